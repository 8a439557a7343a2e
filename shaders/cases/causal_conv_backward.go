package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func causalConvBackwardCases() []Case {
	var list []Case
	add := func(name string, p shaders.CausalConvParams) {
		p.Fresh = true
		list = append(list, causalConvBackwardCase(name, p))
	}
	for _, length := range []int{1, 2, 3, 4, 63, 64, 65, 127, 128, 255, 256, 257, 300} {
		add(fmt.Sprintf("%d tokens", length), convParams(1, length, 64, 4))
	}
	for width := 2; width <= 8; width++ {
		add(fmt.Sprintf("width %d, one token", width), convParams(2, 1, 5, width))
		add(fmt.Sprintf("width %d, width-1 tokens", width), convParams(2, width-1, 5, width))
		add(fmt.Sprintf("width %d, 67 tokens", width), convParams(2, 67, 5, width))
	}
	for _, channels := range []int{1, 5, 65, 512} {
		add(fmt.Sprintf("%d channels, batch 3", channels), convParams(3, 18, channels, 4))
	}
	for bits := range 4 {
		p := convParams(2, 70, 20, 4)
		p.Bias, p.SiLU = bits&1 != 0, bits&2 != 0
		add(switches(on(p.Bias, "bias"), on(p.SiLU, "silu")), p)
	}
	p := convParams(2, 33, 65, 4)
	p.Stride = 2 * p.Channels
	add("first half of wider rows", p)
	p.Stride, p.Offset = 2*p.Channels+3, 5
	add("odd columns of wider rows", p)
	add("many parts", convParams(20, 300, 3, 4))
	eachHalvesConv(func(name string, p shaders.CausalConvParams) {
		add(name+on(p.Fresh, ", again"), p)
	})
	return list
}

// causalConvBackwardCase has gradients dy of order 1. dx is a sum of up to 8 products with
// slopes of silu, in which exp is off by a few units in the last place; a weight's is a
// sum of up to 6000 terms of both signs, in parts of 64 and then of 4.
func causalConvBackwardCase(name string, p shaders.CausalConvParams) Case {
	return Case{Name: name, Params: p, Tol: Tolerance{Abs: 1e-6, Rel: 3e-6}, fill: func(s *source) []Arg {
		tokens := p.Batch * p.Length
		x := strided(s.normal(tokens*p.Channels), p.Channels, p.Stride, p.Offset)
		weights := s.uniform(p.Channels*p.Width, -1, 1)
		if p.Bias {
			weights = append(weights, s.uniform(p.Channels, -1, 1)...)
		}
		dx := place(repeat(tokens*p.Stride, Untouched), poison(tokens*p.Channels), p.Channels, p.Stride, p.Offset)
		input := in("x", x)
		if p.Halves {
			input = halved(input, p.Stride)
		}
		return []Arg{
			input, in("weights", weights), in("dy", s.normal(tokens*p.Channels)),
			out("dx", dx), out("dweights", s.normal(len(weights))),
		}
	}}
}
