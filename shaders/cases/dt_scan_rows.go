package cases

import "github.com/mambagpu/mambagpu/shaders"

// dtScanRowsCases are those of dt_scan_step with whole sums and whole vectors.
func dtScanRowsCases() []Case {
	var list []Case
	add := func(rows, channels, rank, states int) {
		list = append(list, dtScanStepCase(shaders.DtScanStepParams{
			Rows: rows, Channels: channels, Rank: rank, States: states, Groups: 1, Weights: floats[len(list)%3],
		}))
	}
	for _, states := range []int{4, 8, 16, 20, 64, 100, 128, 256} {
		add(5, 37, 8, states)
	}
	for _, channels := range []int{1, 2, 63, 64, 65, 512} {
		add(9, channels, 16, 16)
	}
	for _, rank := range []int{4, 12, 48, 160, 256} {
		add(3, 40, rank, 16)
	}
	for _, rows := range []int{1, 2, 4, 17} {
		add(rows, 130, 48, 16)
	}
	return list
}
