package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// What kernels compute of halves they compute as they do of floats, and what they write in
// halves both they and the twin round once: a number between two halves may be rounded to
// one by the kernel and to the other by the twin. These are 2^-10 of it apart, or 2^-24
// where it is small.
var roundedTwice = Tolerance{Abs: 0x1p-24, Rel: 0x1p-10}

// rounded is the tolerance of halves, given that of floats.
func (t Tolerance) rounded() Tolerance {
	return Tolerance{t.Abs + roundedTwice.Abs, t.Rel + roundedTwice.Rel}
}

// halved is an argument in halves, in rows of so many. What it has of numbers becomes such
// as halves are, but for what a kernel has to leave untouched.
func halved(a Arg, row int) Arg {
	for i, v := range a.F32 {
		if v != Untouched {
			a.F32[i] = shaders.RoundHalf(v)
		}
	}
	a.Halves = row
	return a
}

// matmulHalvesCases are products of operands in halves: sizes around the edges of tiles,
// whole vectors and not, as a block has them forward and backward.
func matmulHalvesCases() []Case {
	var list []Case
	add := func(p shaders.MatmulParams, name string) {
		list = append(list, matmulCase(fmt.Sprintf("M %d, N %d, K %d, %s, offset %d", p.M, p.N, p.K, name, p.OffA+p.OffW), p))
	}
	for i, edge := range []int{2, 4, 6, 16, 18, 62, 64, 66, 128, 130, 200} {
		other := []int{48, 35, 20}[i%3]
		add(shaders.MatmulParams{M: edge, N: other, K: 36, LDA: 36, LDC: other, HalvesC: true}, "c in halves")
		add(shaders.MatmulParams{M: edge, N: other, K: 36, LDA: 36, LDC: other, HalvesA: true}, "a in halves")
		add(shaders.MatmulParams{M: 36, N: edge, K: other, LDA: other, LDC: edge, HalvesA: true, HalvesC: true}, "a and c in halves")
		add(shaders.MatmulParams{M: other, N: 36, K: edge, LDA: other, LDW: 36, LDC: 36, TransA: true, TransW: true, Add: true, HalvesW: true}, "w in halves, transposed")
		add(shaders.MatmulParams{M: other, N: edge, K: 66, LDA: other, LDW: edge, LDC: edge, TransA: true, TransW: true, Add: true, HalvesW: true}, "w in halves, transposed")
		add(shaders.MatmulParams{M: 33, N: edge, K: other, LDA: other, LDW: other, LDC: edge, HalvesW: true}, "w in halves")
		add(shaders.MatmulParams{M: edge, N: 37, K: 10 * edge, LDA: edge, LDC: 37, TransA: true, HalvesA: true}, "a in halves, transposed")
	}
	for _, off := range []int{4, 5} {
		add(shaders.MatmulParams{M: 34, N: 50, K: 70, LDA: 80, OffA: off, LDC: 60, OffC: off, Bias: true, OffBias: 3, HalvesA: true, HalvesC: true}, "columns of wider matrices")
		add(shaders.MatmulParams{M: 34, N: 52, K: 70, LDA: 34, LDW: 60, OffW: off, LDC: 52, TransA: true, TransW: true, HalvesW: true}, "columns of a wider w")
	}
	add(shaders.MatmulParams{M: 40, N: 48, K: 1000, LDA: 40, LDW: 48, LDC: 48, TransA: true, TransW: true, Add: true, HalvesW: true}, "w in halves, transposed, many rows")
	add(shaders.MatmulParams{M: 64, N: 128, K: 32, LDA: 32, LDC: 128, Bias: true, SiLU: true, HalvesC: true}, "c in halves, bias, silu")
	for _, t := range dtypes {
		add(shaders.MatmulParams{M: 64, N: 70, K: 64, LDA: 64, LDC: 70, Weights: t, HalvesA: true, HalvesC: true}, "weights "+t.String())
	}
	return list
}
