package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func outProjStepCases() []Case {
	var list []Case
	add := func(rows, width, channels int, t shaders.DType) {
		list = append(list, outProjStepCase(shaders.OutProjStepParams{Rows: rows, Width: width, Channels: channels, Weights: t}))
	}
	for i, t := range dtypes {
		add(1, 40+i, 64, t)
		add(2, 13, 96, t)
		add(1, 9, 32*(40+i), t)
		add(1+i%2, 7, 5120, t)
	}
	add(1, 1, 8, shaders.F16)
	add(2, 300, 1536, shaders.F16)
	for i, t := range dtypes {
		for _, width := range []int{96, 288, 2560} {
			list = append(list, outProjStepCase(shaders.OutProjStepParams{
				Rows: 1, Width: width, Channels: 64 + 5056*(i%2), Weights: t, Next: true, NextWeights: dtypes[(i+width)%5],
			}))
		}
	}
	return list
}

// outProjStepCase has a product of matmul's cases of activations that are products of
// two numbers of order 1. What Next writes has the sums' error, times a gain of order 1; a
// sum of a few squares has that of each twice.
func outProjStepCase(p shaders.OutProjStepParams) Case {
	name := fmt.Sprintf("%d rows, width %d, %d channels, %v%s", p.Rows, p.Width, p.Channels, p.Weights, on(p.Next, fmt.Sprintf(", next for %v", p.NextWeights)))
	return Case{Name: name, Params: p, Tol: Tolerance{Abs: 8 * 0x1p-24 * sqrt(p.Channels), Rel: 2e-6}, fill: func(s *source) []Arg {
		args := []Arg{
			in("yz", s.normal(p.Rows*2*p.Channels)),
			s.weights("w", p.Width, p.Channels, p.Weights, 1/sqrt(p.Channels)),
			out("c", s.normal(p.Rows*p.Width)),
			in("gain", nil), out("next", nil),
		}
		if p.Next {
			args[3].F32, args[4].F32 = s.uniform(p.Width, 0.5, 1.5), poison(p.Width+p.Squares())
		}
		return args
	}}
}
