package cases

import "fmt"

// scanSize is the sizes of a scan, and what they stress.
type scanSize struct {
	name                            string
	batch, length, channels, states int
}

// complexSizes is sizes around the edges of tiles of 4 and 8 steps, 16 channels and 8
// lanes, and long sequences.
func complexSizes() []scanSize {
	var list []scanSize
	add := func(batch, length, channels, states int, format string, a ...any) {
		list = append(list, scanSize{fmt.Sprintf(format, a...), batch, length, channels, states})
	}
	for _, states := range []int{1, 3, 8, 16, 17, 64, 100, 256} {
		add(1, 1, 17, states, "d_state %d, one token", states)
		add(2, 18, 5, states, "d_state %d, 18 tokens", states)
	}
	for _, length := range []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100} {
		add(1, length, 17, 16, "%d tokens", length)
	}
	for batch := 1; batch <= 3; batch++ {
		for _, channels := range []int{1, 15, 16, 17, 40} {
			add(batch, 20, channels, 16, "batch %d, %d channels", batch, channels)
		}
	}
	add(1, 33, 40, 256, "d_state 256, 33 tokens, 40 channels")
	add(1, 600, 17, 16, "600 tokens")
	add(2, 300, 5, 64, "300 tokens, d_state 64, batch 2")
	return list
}

// complexStepSizes is the same for one token.
func complexStepSizes() []scanSize {
	var list []scanSize
	for _, states := range []int{1, 3, 8, 16, 17, 64, 100, 256} {
		for _, channels := range []int{1, 15, 40, 257} {
			list = append(list, scanSize{fmt.Sprintf("d_state %d, %d channels", states, channels), 1, 1, channels, states})
		}
	}
	for _, batch := range []int{2, 3, 8} {
		list = append(list, scanSize{fmt.Sprintf("batch %d", batch), batch, 1, 17, 16})
	}
	return list
}
