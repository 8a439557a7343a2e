package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func layerNormCases() []Case {
	var list []Case
	for _, width := range []int{1, 2, 5, 64, 255, 256, 257, 768, 2560} {
		list = append(list, layerNormCase(fmt.Sprintf("width %d", width), 3, width, 1e-5, 0, 1, nil))
	}
	// Added up in one order, 512 differences of 1e6 lose 512/2 units of 2^-24.
	outlier := layerNormCase("first value 1e6", 2, 512, 1e-5, 0, 1, func(x []float32) { x[0] = 1e6 })
	outlier.Tol.Rel = 1.6e-5
	return append(list,
		outlier,
		layerNormCase("one row", 1, 768, 1e-5, 0, 1, nil),
		layerNormCase("300 rows", 300, 129, 1e-5, 0, 1, nil),
		layerNormCase("values of 1e-3, near Eps", 2, 257, 1e-5, 0, 1e-3, nil),
		layerNormCase("values of 1e15", 2, 257, 1e-5, 0, 1e15, nil),
		layerNormCase("Eps 1e-6", 2, 256, 1e-6, 0, 0.01, nil),
		layerNormCase("mean 1e4", 3, 768, 1e-5, 1e4, 1, nil),
		layerNormCase("mean -3e6, values of 10", 3, 300, 1e-5, -3e6, 10, nil),
		layerNormCase("mean 1e4, first value 0", 2, 512, 1e-5, 1e4, 1, func(x []float32) { x[0] = 0 }),
		layerNormCase("row of zeros", 2, 100, 1e-5, 0, 1, func(x []float32) { clear(x[:100]) }),
		layerNormCase("row of equal values", 2, 100, 1e-5, 0, 1, func(x []float32) { copy(x[:100], repeat(100, 12345.678)) }),
	)
}

// layerNormCase has values of the given mean and scale, changed by edit unless
// that is nil. With the mean taken from differences to one of the values, the
// sums lose a few units in the last place of the largest difference; WGSL allows
// an inverse square root 2 more.
func layerNormCase(name string, rows, width int, eps, mean, scale float32, edit func(x []float32)) Case {
	p := shaders.LayerNormParams{Rows: rows, Width: width, Eps: eps}
	return Case{Name: name, Params: p, Tol: Tolerance{Rel: 2e-6}, fill: func(s *source) []Arg {
		x := s.normal(rows * width)
		for i := range x {
			x[i] = mean + scale*x[i]
		}
		if edit != nil {
			edit(x)
		}
		return []Arg{
			in("x", x),
			in("weight", s.uniform(width, 0.5, 1.5)),
			in("bias", s.uniform(width, -0.5, 0.5)),
			out("y", poison(rows*width)),
		}
	}}
}
