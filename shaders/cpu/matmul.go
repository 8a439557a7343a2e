package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Matmul multiplies rows of a with a weight matrix:
//
//	c[m*LDC+OffC+n] = sum_k a[m*LDA+OffA+k] * w[n,k] + bias[OffBias+n]
//
// w is (N, K), dense; bias is (OffBias+N), and not looked at unless Bias is set. The
// elements of c between the written columns stay as they are.
func Matmul(p shaders.MatmulParams, a, w, bias, c []float32) {
	product(p.M, p.N, p.K, p.LDA, p.OffA, a, w, func(m, n int, sum float64) {
		if p.Bias {
			sum += float64(bias[p.OffBias+n])
		}
		c[m*p.LDC+p.OffC+n] = float32(sum)
	})
}
