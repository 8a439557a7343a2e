package cases

import (
	"fmt"
	"slices"

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
	for _, zero := range []int{4, 100, 40000} {
		list = append(list, outProjStepCase(shaders.OutProjStepParams{Rows: 1, Width: 20, Channels: 64, Weights: shaders.Q4, Zero: zero}))
	}
	return list
}

// outProjStepCase has a product of matmul's cases of activations that are products of
// two numbers of order 1.
func outProjStepCase(p shaders.OutProjStepParams) Case {
	name := fmt.Sprintf("%d rows, width %d, %d channels, %v, %d words of sums", p.Rows, p.Width, p.Channels, p.Weights, p.Zero)
	return Case{Name: name, Params: p, Tol: Tolerance{Abs: 8 * 0x1p-24 * sqrt(p.Channels), Rel: 2e-6}, fill: func(s *source) []Arg {
		return []Arg{
			in("yz", s.normal(p.Rows*2*p.Channels)),
			s.weights("w", p.Width, p.Channels, p.Weights, 1/sqrt(p.Channels)),
			out("c", s.normal(p.Rows*p.Width)),
			{Name: "sums", U32: slices.Repeat([]uint32{7}, p.Zero+min(p.Zero, 8)), Out: true},
		}
	}}
}
