package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func xProjStepCases() []Case {
	var list []Case
	add := func(edit func(p *shaders.XProjStepParams)) {
		p := shaders.XProjStepParams{
			Rows: 3, Channels: 70, Taps: 4, Outputs: 21, Group: 64, XWeights: shaders.F16, ConvBias: true,
		}
		edit(&p)
		list = append(list, xProjStepCase(p))
	}
	for _, t := range dtypes {
		add(func(p *shaders.XProjStepParams) { p.XWeights, p.Channels, p.Outputs = t, 140, 49 })
	}
	for i, rows := range []int{1, 2, 7, 8, 9, 17, 64} {
		add(func(p *shaders.XProjStepParams) { p.Rows, p.XWeights = rows, dtypes[i%5] })
	}
	for taps := 2; taps <= 8; taps++ {
		add(func(p *shaders.XProjStepParams) { p.Taps, p.ConvBias, p.Outputs = taps, taps%2 == 0, 30+taps })
	}
	for i, outputs := range []int{1, 127, 128, 129, 256, 257, 600} {
		add(func(p *shaders.XProjStepParams) { p.Outputs, p.Group = outputs, 8<<(i%4) })
	}
	add(func(p *shaders.XProjStepParams) { p.Rows, p.Channels = 1, 1 })
	return list
}

// xProjStepCase has u of order 1 and sums of order 1 over a group; see
// causalConvCase, and 1e-6 of the largest for the sums.
func xProjStepCase(p shaders.XProjStepParams) Case {
	name := fmt.Sprintf("%d rows, %d channels, %d taps, %d outputs, groups of %d, %v%s",
		p.Rows, p.Channels, p.Taps, p.Outputs, p.Group, p.XWeights, on(p.ConvBias, ", conv bias"))
	return Case{Name: name, Params: p, Tol: Tolerance{Abs: 2e-6, Rel: 4e-6}, fill: func(s *source) []Arg {
		slots, count := s.slots(p.Rows)
		uz := out("uz", s.normal(p.Rows*2*p.Channels))
		return []Arg{
			in("conv", s.taps(p.Channels, p.Taps, p.ConvBias)),
			ints("slots", slots),
			s.weights("wx", p.Outputs, p.Channels, p.XWeights, 1/sqrt(p.Group)),
			s.state(slots, count, p.Channels*(p.Taps-1), false),
			uz,
			out("parts", partsOf(p.Groups()*p.Rows, p.Outputs, p.PartsStride())),
		}
	}}
}
