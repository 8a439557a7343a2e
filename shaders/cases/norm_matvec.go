package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func normMatvecCases() []Case {
	var list []Case
	for m := 1; m <= shaders.MaxMatvecRows; m++ {
		list = append(list, normMatvecCase(m, 47, 257+m, dtypes[m%5], m%2 == 0))
	}
	for _, t := range dtypes {
		list = append(list, normMatvecCase(1, 1024, 256, t, false), normMatvecCase(2, 9, 5, t, true),
			normMatvecCase(1, 33, 2560, t, false), normMatvecCase(2, 19, 3001, t, true))
	}
	return append(list, normMatvecCase(8, 17, 4000, shaders.F16, false), normMatvecCase(1, 4096, 1024, shaders.F16, false))
}

// normMatvecCase writes some columns of a wider matrix. The norm adds 1e-6 to the
// error of matmul's cases.
func normMatvecCase(m, n, k int, t shaders.DType, bias bool) Case {
	p := shaders.NormMatvecParams{M: m, N: n, K: k, LDC: n + 7, OffC: 5, Eps: 1e-5, Weights: t, Bias: bias, OffBias: 11}
	name := fmt.Sprintf("M %d, N %d, K %d, %v%s", m, n, k, t, on(bias, ", bias"))
	return Case{Name: name, Params: p, Tol: Tolerance{Abs: 4 * 0x1p-24 * sqrt(k), Rel: 4e-6}, fill: func(s *source) []Arg {
		var b []float32
		if bias {
			b = append(poison(p.OffBias), s.normal(n)...)
		}
		return []Arg{
			in("a", s.normal(m*k)),
			in("gain", s.uniform(k, 0.5, 1.5)),
			s.weights("w", n, k, t, 1/sqrt(k)),
			in("bias", b),
			out("c", place(repeat(m*p.LDC, Untouched), poison(m*n), n, p.LDC, p.OffC)),
		}
	}}
}
