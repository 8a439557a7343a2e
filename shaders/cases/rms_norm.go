package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func rmsNormCases() []Case {
	var list []Case
	for _, width := range []int{1, 2, 5, 64, 255, 256, 257, 768, 2560} {
		list = append(list, rmsNormCase(fmt.Sprintf("width %d", width), 3, width, 1e-5, 1))
	}
	zeroRow := rmsNormCase("zero row", 3, 100, 1e-5, 1)
	fill := zeroRow.fill
	zeroRow.fill = func(s *source) []Arg {
		args := fill(s)
		clear(args[0].F32[100:200])
		return args
	}
	return append(list,
		rmsNormCase("one row", 1, 768, 1e-5, 1),
		rmsNormCase("300 rows", 300, 129, 1e-5, 1),
		rmsNormCase("values of 1e-20", 2, 257, 1e-5, 1e-20),
		rmsNormCase("values of 1e-3, near Eps", 2, 257, 1e-5, 1e-3),
		rmsNormCase("values of 1e15", 2, 257, 1e-5, 1e15),
		rmsNormCase("Eps 1e-6", 2, 256, 1e-6, 0.01),
		zeroRow,
	)
}

// rmsNormCase has values of the given scale. The sum of squares has no
// cancellation, so float32 loses a few units in the last place, the square
// root halves that, and WGSL allows an inverse square root 2 more: 1e-6.
func rmsNormCase(name string, rows, width int, eps float32, scale float32) Case {
	p := shaders.RMSNormParams{Rows: rows, Width: width, Eps: eps}
	return Case{Name: name, Params: p, Tol: Tolerance{Rel: 2e-6}, fill: func(s *source) []Arg {
		x := s.normal(rows * width)
		for i := range x {
			x[i] *= scale
		}
		return []Arg{
			in("x", x),
			in("weight", s.uniform(width, 0.5, 1.5)),
			out("y", poison(rows*width)),
		}
	}}
}
