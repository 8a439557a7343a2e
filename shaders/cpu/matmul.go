package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Matmul multiplies rows of a with a weight matrix:
//
//	x[m,n] = sum_k a[m*LDA+OffA+k] * w[n,k]
//	c[m*LDC+OffC+n] = act(x[m,n] + bias[OffBias+n]) + c[m*LDC+OffC+n]
//
// w is (N, K), dense; bias is (OffBias+N), and not looked at unless Bias is set. act
// is silu if SiLU is set; the old c is added if Add is. The elements of c between
// the written columns stay as they are.
func Matmul(p shaders.MatmulParams, a, w, bias, c []float32) {
	product(p.M, p.N, p.K, p.LDA, p.OffA, a, w, func(m, n int, sum float64) {
		if p.Bias {
			sum += float64(bias[p.OffBias+n])
		}
		finish(&c[m*p.LDC+p.OffC+n], sum, p.SiLU, p.Add)
	})
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
