package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Matmul multiplies rows of a with a weight matrix:
//
//	x[m,n] = sum_k a[m*LDA+OffA+k] * w[n,k]
//	c[m*LDC+OffC+n] = act(x[m,n] + bias[OffBias+n]) + c[m*LDC+OffC+n]
//
// w is (N, K), dense unless LDW says how far apart its rows lie; TransA and TransW
// tell that a lies as (K, M) and w as (K, N). bias is (OffBias+N), and not looked at
// unless Bias is set. act is silu if SiLU is set; the old c is added if Add is. The
// elements of c between the written columns stay as they are. HalvesC rounds what is
// written as halves are; a and w hold such numbers already where they are said to.
func Matmul(p shaders.MatmulParams, a, w, bias, c []float32) {
	lda, offA := p.LDA, p.OffA
	if p.TransA {
		a, lda, offA = gather(a, p.M, p.K, p.LDA, p.OffA, true), p.K, 0
	}
	if p.LDW > 0 {
		w = gather(w, p.N, p.K, p.LDW, p.OffW, p.TransW)
	}
	product(p.M, p.N, p.K, lda, offA, a, w, func(m, n int, sum float64) {
		if p.Bias {
			sum += float64(bias[p.OffBias+n])
		}
		at := m*p.LDC + p.OffC + n
		finish(&c[at], sum, p.SiLU, p.Add)
		if p.HalvesC {
			c[at] = shaders.RoundHalf(c[at])
		}
	})
}

// gather copies a matrix (rows, cols) out of a wider one, or from its transpose, to a
// dense one.
func gather(x []float32, rows, cols, ld, off int, transposed bool) []float32 {
	out := make([]float32, rows*cols)
	parallel(rows, cols, func(lo, hi int) {
		if !transposed {
			for r := lo; r < hi; r++ {
				copy(out[r*cols:(r+1)*cols], x[off+r*ld:])
			}
			return
		}
		for c := range cols {
			for r, v := range x[off+c*ld+lo : off+c*ld+hi] {
				out[(lo+r)*cols+c] = v
			}
		}
	})
	return out
}

// finish ends a product: it writes act(x), with act silu or nothing, to c or adds
// it.
func finish(c *float32, x float64, act, add bool) {
	if act {
		x = silu(x)
	}
	if add {
		x += float64(*c)
	}
	*c = float32(x)
}
