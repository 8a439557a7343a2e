package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mambagpu/mambagpu/shaders"
)

func causalConvCases() []Case {
	var list []Case
	for _, length := range []int{1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 65, 100} {
		list = append(list, causalConvCase(fmt.Sprintf("%d tokens", length), convParams(1, length, 64, 4)))
	}
	for width := 2; width <= 8; width++ {
		list = append(list,
			causalConvCase(fmt.Sprintf("width %d, one token", width), convParams(2, 1, 5, width)),
			causalConvCase(fmt.Sprintf("width %d, width-1 tokens", width), convParams(2, width-1, 5, width)),
			causalConvCase(fmt.Sprintf("width %d, 19 tokens", width), convParams(2, 19, 5, width)),
		)
	}
	for _, channels := range []int{1, 5, 64, 65, 512} {
		for _, batch := range []int{1, 3} {
			list = append(list, causalConvCase(fmt.Sprintf("%d channels, batch %d", channels, batch), convParams(batch, 18, channels, 4)))
		}
	}
	list = append(list, convSwitches(7)...)
	list = append(list, convStrided(2, 33, 65)...)
	return append(list, convPacked()...)
}

func causalConvStepCases() []Case {
	var list []Case
	for width := 2; width <= 8; width++ {
		list = append(list, causalConvCase(fmt.Sprintf("width %d", width), convParams(2, 1, 65, width)))
	}
	for _, channels := range []int{1, 5, 64, 65, 512} {
		for _, batch := range []int{1, 3, 8} {
			list = append(list, causalConvCase(fmt.Sprintf("%d channels, batch %d", channels, batch), convParams(batch, 1, channels, 4)))
		}
	}
	list = append(list, convSwitches(1)...)
	return append(list, convStrided(3, 1, 100)...)
}

// convParams is the convolution as the model calls it, on a dense input.
func convParams(batch, length, channels, width int) shaders.CausalConvParams {
	return shaders.CausalConvParams{
		Batch: batch, Length: length, Channels: channels, Width: width,
		Stride: channels, Bias: true, SiLU: true,
	}
}

// convSwitches is every combination of the switches.
func convSwitches(length int) []Case {
	var list []Case
	for bits := range 8 {
		p := convParams(2, length, 20, 4)
		p.Bias, p.SiLU, p.Fresh = bits&1 != 0, bits&2 != 0, bits&4 != 0
		name := switches(on(p.Bias, "bias"), on(p.SiLU, "silu"), on(p.Fresh, "fresh"))
		list = append(list, causalConvCase(name, p))
	}
	return list
}

// convStrided reads u out of in_proj's (u, z), and again at an odd offset.
func convStrided(batch, length, channels int) []Case {
	p := convParams(batch, length, channels, 4)
	p.Stride = 2 * channels
	q := p
	q.Stride, q.Offset = 2*channels+3, 5
	return []Case{
		causalConvCase("first half of wider rows", p),
		causalConvCase("odd columns of wider rows", q),
	}
}

// convPacked is sequences of different lengths.
func convPacked() []Case {
	var list []Case
	for _, lengths := range packedLengths {
		for _, fresh := range []bool{false, true} {
			p := convParams(len(lengths), 0, 65, 4)
			p.Packing, p.Length = packing(lengths)
			p.Stride, p.Fresh = 2*p.Channels, fresh
			name := fmt.Sprintf("packed %v%s", lengths, on(fresh, ", fresh"))
			list = append(list, causalConvOf(name, p, lengths))
		}
	}
	return list
}

// on is a word for a switch that is set, and nothing otherwise.
func on(set bool, word string) string {
	if set {
		return word
	}
	return ""
}

// switches is the name of a case with the given words for its switches.
func switches(words ...string) string {
	set := slices.DeleteFunc(words, func(w string) bool { return w == "" })
	if len(set) == 0 {
		return "no switch set"
	}
	return "switches " + strings.Join(set, ", ")
}

// causalConvCase has outputs of order 1. Up to 8 products and silu, of which
// WGSL promises a few units in the last place near 0: 2e-6 of the largest.
// The state is copied, which is within any tolerance.
func causalConvCase(name string, p shaders.CausalConvParams) Case {
	return causalConvOf(name, p, nil)
}

// causalConvOf is causalConvCase of packed sequences of the given lengths, if
// there are any.
func causalConvOf(name string, p shaders.CausalConvParams, lengths []int) Case {
	return Case{Name: name, Params: p, Tol: Tolerance{Abs: 1e-6, Rel: 2e-6}, fill: func(s *source) []Arg {
		tokens := p.Total(p.Batch, p.Length)
		weights := s.uniform(p.Channels*p.Width, -1, 1)
		if p.Bias {
			weights = append(weights, s.uniform(p.Channels, -1, 1)...)
		}
		x := s.normal(tokens * p.Channels)
		slots, count := s.slots(p.Batch)
		state := s.state(slots, count, p.Channels*(p.Width-1), p.Fresh)
		return []Arg{
			in("x", strided(x, p.Channels, p.Stride, p.Offset)),
			in("weights", weights),
			slotsArg(slots, lengths),
			state,
			out("y", poison(tokens*p.Channels)),
		}
	}}
}
