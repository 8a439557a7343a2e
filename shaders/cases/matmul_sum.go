package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func matmulSumCases() []Case {
	var list []Case
	add := func(m, n, parts int) {
		p := shaders.MatmulSumParams{M: m, N: n, Parts: parts, LDC: n}
		list = append(list, matmulSumCase(fmt.Sprintf("%d parts of (%d, %d)", parts, m, n), p))
	}
	add(1, 1, 1)
	add(1, 127, 2)
	add(3, 43, 8)
	add(64, 80, 4)
	add(16, 8, 3)
	add(7, 9, 17)
	add(48, 31, 128)
	for bits := range 8 {
		p := shaders.MatmulSumParams{
			M: 5, N: 33, Parts: 4, LDC: 40, OffC: 3, OffBias: 2,
			Bias: bits&1 != 0, SiLU: bits&2 != 0, Add: bits&4 != 0,
		}
		list = append(list, matmulSumCase(fmt.Sprintf("columns of a wider matrix%s", ends(p.Bias, p.SiLU, p.Add)), p))
	}
	return list
}

// ends names what is done at the end of a product.
func ends(bias, silu, add bool) (name string) {
	for i, set := range []bool{bias, silu, add} {
		if set {
			name += []string{", bias", ", silu", ", added"}[i]
		}
	}
	return name
}

// matmulSumCase has parts, biases and an old c of order 1, so that a float32 sum of
// at most ten is off by a few units in the last place of about 8, and silu of it by
// a few more of the result.
func matmulSumCase(name string, p shaders.MatmulSumParams) Case {
	return Case{Name: name, Params: p, Tol: Tolerance{Abs: 2e-6, Rel: 1e-6}, fill: func(s *source) []Arg {
		old := poison(p.M * p.N)
		if p.Add {
			old = s.normal(p.M * p.N)
		}
		var bias []float32
		if p.Bias {
			bias = append(poison(p.OffBias), s.normal(p.N)...)
		}
		return []Arg{
			in("parts", s.normal(p.Parts*p.M*p.N)),
			in("bias", bias),
			out("c", place(repeat(extent(p.M, p.N, p.LDC, p.OffC), Untouched), old, p.N, p.LDC, p.OffC)),
		}
	}}
}
