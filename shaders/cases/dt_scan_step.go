package cases

import (
	"fmt"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

func dtScanStepCases() []Case {
	var list []Case
	add := func(rows, channels, rank, states, groups int, t shaders.DType) {
		list = append(list, dtScanStepCase(shaders.DtScanStepParams{
			Rows: rows, Channels: channels, Rank: rank, States: states, Groups: groups, Weights: t,
		}))
	}
	for i, states := range []int{1, 3, 8, 16, 17, 20, 64, 100, 128, 255, 256} {
		add(1, 37, 5, states, 3, floats[i%3])
		add(2, 65, 16, states, 7, floats[(i+1)%3])
	}
	for i, channels := range []int{1, 2, 63, 64, 65, 512} {
		add(1, channels, 16, 16, 4, floats[i%3])
	}
	for i, rank := range []int{1, 7, 8, 9, 48, 160, 500} {
		add(1, 40, rank, 16, 2, floats[i%3])
	}
	for _, groups := range []int{1, 11, 12, 13, 47, 96, 160} {
		add(3, 20, 48, 16, groups, shaders.F16)
	}
	add(9, 130, 48, 16, 24, shaders.F16)
	return list
}

// dtScanStepCase has dt, B and C of order 1, steps of 1e-3 to 0.1 and A[e,n] about
// -(n+1), as a model starts. The error of the sums over groups and of W_dt dt, 1e-6,
// is relative in the step (dtProjCase) and so in what it adds to the state; the rest
// is that of modelScan.
func dtScanStepCase(p shaders.DtScanStepParams) Case {
	name := fmt.Sprintf("%d rows, %d channels, rank %d, d_state %d, %d groups, %v",
		p.Rows, p.Channels, p.Rank, p.States, p.Groups, p.Weights)
	return Case{Name: name, Params: p, Tol: Tolerance{Abs: 2e-6, Rel: 1e-5}, fill: func(s *source) []Arg {
		width := p.Rank + 2*p.States
		parts := s.normal(p.Groups * p.Rows * width)
		for i := range parts {
			parts[i] /= float32(sqrt(p.Groups))
		}
		weights := s.uniform(p.Channels*p.States, -1.5, -0.5)
		for i := range weights {
			weights[i] *= float32(i%p.States + 1)
		}
		slots, count := s.slots(p.Rows)
		wdt := s.weights("wdt", p.Channels, p.Rank, p.Weights, 0.5/sqrt(p.Rank))
		wdt.Paired = true
		return []Arg{
			in("uz", s.normal(p.Rows*2*p.Channels)),
			in("parts", strided(parts, width, (width+3)/4*4, 0)),
			wdt,
			in("weights", slices.Concat(weights, s.normal(p.Channels), s.uniform(p.Channels, -6.9, -2.3))),
			ints("slots", slots),
			s.state(slots, count, p.Channels*p.States, false),
			out("y", poison(p.Rows*p.Channels)),
		}
	}}
}
