package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func inProjRowsCases() []Case {
	var list []Case
	add := func(edit func(p *shaders.InProjRowsParams)) {
		p := shaders.InProjRowsParams{Rows: 11, Width: 36, Channels: 40, Taps: 4, Eps: 1e-5, Weights: shaders.F16, ConvBias: true}
		edit(&p)
		list = append(list, inProjRowsCase(p))
	}
	for i, t := range dtypes {
		add(func(p *shaders.InProjRowsParams) { p.Weights = t })
		add(func(p *shaders.InProjRowsParams) { p.Weights, p.Width, p.Rows = t, 256+4*i, 64 })
	}
	for i, rows := range []int{1, 8, 9, 16, 17, 63} {
		add(func(p *shaders.InProjRowsParams) { p.Rows, p.Channels = rows, 33+i })
	}
	for _, taps := range []int{2, 3, 5, 6, 7, 8} {
		add(func(p *shaders.InProjRowsParams) { p.Taps, p.ConvBias, p.Bias = taps, taps%2 == 0, taps%3 == 0 })
	}
	add(func(p *shaders.InProjRowsParams) { p.Rows, p.Channels, p.Bias = 64, 1500, true })
	add(func(p *shaders.InProjRowsParams) { p.Rows, p.Channels, p.Width = 64, 384, 64 })
	for i, t := range dtypes { // few rows, by each of the tiles for these
		add(func(p *shaders.InProjRowsParams) { p.Weights, p.Rows, p.Width, p.Channels = t, 3+i, 772, 1025 })
		add(func(p *shaders.InProjRowsParams) { p.Weights, p.Rows, p.Width, p.Channels = t, 8-i, 1536, 257 })
	}
	add(func(p *shaders.InProjRowsParams) { p.Rows, p.Width, p.Channels = 8, 768, 5120 })
	add(func(p *shaders.InProjRowsParams) { p.Weights, p.Rows, p.Width, p.Channels = shaders.Q8, 6, 768, 2560 })
	add(func(p *shaders.InProjRowsParams) { p.Weights, p.Rows, p.Width, p.Channels = shaders.Q4, 7, 1536, 1280 })
	add(func(p *shaders.InProjRowsParams) { p.Width, p.Channels = 4, 1 })
	return list
}

// inProjRowsCase is as inProjStepCase, without x_proj.
func inProjRowsCase(p shaders.InProjRowsParams) Case {
	name := fmt.Sprintf("%d rows, width %d, %d channels, %d taps, %v%s%s",
		p.Rows, p.Width, p.Channels, p.Taps, p.Weights, on(p.ConvBias, ", conv bias"), on(p.Bias, ", bias"))
	tol := Tolerance{Abs: 8 * 0x1p-24 * sqrt(p.Width), Rel: 4e-6}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		small := append(s.uniform(p.Width, 0.5, 1.5), s.taps(p.Channels, p.Taps, p.ConvBias)...)
		if p.Bias {
			small = append(small, s.uniform(2*p.Channels, -1, 1)...)
		}
		slots, count := s.slots(p.Rows)
		return []Arg{
			in("a", s.normal(p.Rows*p.Width)),
			s.weights("w", 2*p.Channels, p.Width, p.Weights, 1/sqrt(p.Width)),
			in("small", small),
			ints("slots", slots),
			s.state(slots, count, p.Channels*(p.Taps-1), false),
			out("uz", poison(p.Rows*2*p.Channels)),
		}
	}}
}
