package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// floats and dtypes are the storage types of weights: those of floats, and all.
var (
	floats = []shaders.DType{shaders.F32, shaders.F16, shaders.BF16}
	dtypes = []shaders.DType{shaders.F32, shaders.F16, shaders.BF16, shaders.Q8, shaders.Q4}
)

func matmulCases() []Case {
	var list []Case
	add := func(m, n, k int, t shaders.DType) {
		list = append(list, dense(m, n, k, t))
	}
	for i, edge := range []int{1, 3, 15, 16, 17, 63, 64, 65, 127, 128, 129, 200} {
		add(edge, 64, 32, dtypes[i%5])
		add(33, edge, 32, dtypes[(i+1)%5])
		add(edge, edge, edge, dtypes[(i+2)%5])
	}
	for _, k := range []int{1, 2, 3, 5, 7, 8, 15, 16, 17, 18, 31, 33, 64, 65, 127, 129} {
		for _, t := range dtypes {
			add(18, 34, k, t)
		}
	}
	for _, t := range dtypes {
		add(20, 1024, 256, t)
		add(20, 48, 512, t)
		add(9, 768, 1536, t)
		list = append(list,
			withBias(dense(21, 50, 36, t)),
			ending(dense(21, 50, 36, t), false, false, true),
			ending(columns(40, 70, 36, t, false), true, true, true),
			columns(21, 50, 36, t, false),
			columns(65, 67, 18, t, true),
		)
	}
	for bits := range 8 {
		list = append(list, ending(columns(19, 45, 20, dtypes[bits%5], false), bits&1 != 0, bits&2 != 0, bits&4 != 0))
	}
	list = append(list, matmulHalvesCases()...)
	return append(list, transposedCases()...)
}

// transposedCases are products of the backward pass: of the transposes of a and w, or
// of a w with a leading dimension.
func transposedCases() []Case {
	var list []Case
	for i, edge := range []int{1, 2, 4, 15, 16, 17, 31, 48, 63, 64, 65, 127, 128, 129, 200} {
		for j := range 3 {
			lie := lies[(i+j)%len(lies)]
			size := []int{36, 52, 20}
			size[j] = edge
			list = append(list, lying(dense(size[0], size[1], size[2], shaders.F32), lie, 0, 0))
		}
		list = append(list, lying(dense(edge, edge, edge, shaders.F32), lies[i%len(lies)], 0, 0))
	}
	for _, lie := range lies {
		list = append(list,
			lying(dense(64, 48, 1000, shaders.F32), lie, 0, 0),
			lying(dense(132, 68, 132, shaders.F32), lie, 16, 400), // whole vectors of a later row
			lying(dense(21, 50, 133, shaders.F32), lie, 3, 201),
			lying(dense(40, 70, 36, shaders.F32), lie, 1, 2),
			lying(ending(columns(33, 45, 35, shaders.F32, true), true, true, true), lie, 4, 5),
			lying(ending(dense(20, 48, 515, shaders.F32), false, false, true), lie, 0, 4),
		)
	}
	for _, t := range dtypes {
		list = append(list, lying(dense(70, 35, 37, t), lie{a: true}, 0, 0), lying(dense(36, 33, 64, t), lie{a: true}, 4, 4))
	}
	return list
}

// lie is how the operands of a product lie.
type lie struct {
	a, w bool // transposed
	ld   bool // w has a leading dimension
}

// lies are the ways of float32 operands but for the usual one.
var lies = []lie{{a: true}, {w: true, ld: true}, {a: true, w: true, ld: true}, {ld: true}}

// lying is the case with operands that lie otherwise, rows gap elements longer and
// off after the start of their arrays.
func lying(c Case, l lie, gap, off int) Case {
	p := c.Params.(shaders.MatmulParams)
	p.TransA, p.TransW = l.a, l.w
	p.LDA, p.OffA = p.K+gap, off
	name := c.Name
	if l.a {
		p.LDA = p.M + gap
		name += ", a transposed"
	}
	if l.ld {
		p.LDW, p.OffW = p.K+gap, off
		name += ", w with a leading dimension"
	}
	if l.w {
		p.LDW = p.N + gap
		name += ", transposed"
	}
	if gap+off > 0 {
		name += fmt.Sprintf(", gap %d, offset %d", gap, off)
	}
	p.OffC += off
	return matmulCase(name, p)
}

func matvecCases() []Case {
	var list []Case
	for m := 1; m <= 8; m++ {
		list = append(list,
			dense(m, 47, 257, dtypes[m%5]),
			dense(m, 9, 6, dtypes[(m+1)%5]),
			dense(m, 129, 512, dtypes[(m+2)%5]),
			columns(m, 31, 18, dtypes[m%5], m%2 == 0),
		)
	}
	i := 0
	for _, n := range []int{1, 7, 48, 1024} {
		for _, k := range []int{1, 5, 16, 256, 257, 512, 1024} {
			list = append(list, dense(1, n, k, dtypes[i%5]))
			i++
		}
	}
	for _, t := range dtypes {
		list = append(list,
			dense(1, 4096, 256, t),
			dense(8, 1024, 256, t),
			dense(4, 100, 3, t),
			dense(1, 21, 2560, t),
			dense(2, 700, 5120, t),
			columns(2, 19, 3001, t, true),
			withBias(dense(1, 1024, 64, t)),
			withBias(dense(5, 33, 20, t)),
			columns(1, 48, 512, t, true),
			ending(dense(1, 48, 64, t), false, false, true),
		)
	}
	return append(list, dense(1, 4096, 1024, shaders.F16), ending(columns(3, 31, 18, shaders.F16, false), true, false, true))
}

// dense is a product of dense matrices.
func dense(m, n, k int, t shaders.DType) Case {
	p := shaders.MatmulParams{M: m, N: n, K: k, LDA: k, LDC: n, Weights: t}
	return matmulCase(fmt.Sprintf("M %d, N %d, K %d, %v", m, n, k, t), p)
}

// withBias is the case with a bias.
func withBias(c Case) Case {
	p := c.Params.(shaders.MatmulParams)
	p.Bias = true
	return matmulCase(c.Name+", bias", p)
}

// ending is the case with a bias, silu or an old c to add to.
func ending(c Case, bias, silu, add bool) Case {
	p := c.Params.(shaders.MatmulParams)
	p.Bias, p.SiLU, p.Add = bias, silu, add
	return matmulCase(c.Name+ends(bias, silu, add), p)
}

// columns is a product of some columns of wider matrices, at odd offsets; with
// a bias, of some elements of a longer one.
func columns(m, n, k int, t shaders.DType, bias bool) Case {
	p := shaders.MatmulParams{M: m, N: n, K: k, LDA: k + 10, OffA: 3, LDC: n + 7, OffC: 5, Weights: t}
	c := matmulCase(fmt.Sprintf("M %d, N %d, K %d, %v, columns of wider matrices", m, n, k, t), p)
	if bias {
		p.OffBias = 11
		c.Params = p
		return withBias(c)
	}
	return c
}

// across is the length of a row of a matrix (rows, cols) or of its transpose.
func across(transposed bool, rows, cols int) int {
	if transposed {
		return rows
	}
	return cols
}

// matmulCase has a of order 1 and weights of order K^-1/2, so that c is of
// order 1. A float32 sum of K such terms, one added after the other, is off by
// about 2^-24 sqrt(K) / 4, and the worst of thousands of elements by five times
// that. It does not shrink with a c that is small by cancellation, which one of
// a few elements may well be: hence the absolute part, three times the worst.
func matmulCase(name string, p shaders.MatmulParams) Case {
	root := sqrt(p.K)
	tol := Tolerance{Abs: 4 * 0x1p-24 * root, Rel: 2e-6}
	if p.HalvesC {
		tol = tol.rounded()
	}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		old := poison(p.M * p.N)
		if p.Add {
			old = s.normal(p.M * p.N)
		}
		c := place(repeat(extent(p.M, p.N, p.LDC, p.OffC), Untouched), old, p.N, p.LDC, p.OffC)
		var bias []float32
		w := s.weights("w", p.N, p.K, p.Weights, 1/root)
		if p.LDW > 0 {
			w = in("w", strided(w.F32, across(p.TransW, p.N, p.K), p.LDW, p.OffW))
		}
		if p.Bias {
			bias = append(poison(p.OffBias), s.normal(p.N)...)
		}
		args := []Arg{
			in("a", strided(s.normal(p.M*p.K), across(p.TransA, p.M, p.K), p.LDA, p.OffA)),
			w,
			in("bias", bias),
			out("c", c),
		}
		for i, row := range map[int]int{0: on(p.HalvesA, p.LDA), 1: on(p.HalvesW, p.LDW), 3: on(p.HalvesC, p.LDC)} {
			if row > 0 {
				args[i] = halved(args[i], row)
			}
		}
		return args
	}}
}
