package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Matmul multiplies rows of a with a weight matrix:
//
//	c[m*LDC+OffC+n] = sum_k a[m*LDA+OffA+k] * w[n,k] + bias[OffBias+n], added to c if Add is set
//
// w is (N, K), dense; bias is (OffBias+N), and not looked at unless Bias is set. The
// elements of c between the written columns stay as they are.
func Matmul(p shaders.MatmulParams, a, w, bias, c []float32) {
	product(p.M, p.N, p.K, p.LDA, p.OffA, a, w, func(m, n int, sum float64) {
		if p.Bias {
			sum += float64(bias[p.OffBias+n])
		}
		at := m*p.LDC + p.OffC + n
		if p.Add {
			sum += float64(c[at])
		}
		c[at] = float32(sum)
	})
}
