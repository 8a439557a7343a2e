package cpu

import "github.com/mambagpu/mambagpu/shaders"

// NormMatvec multiplies normalised rows with a weight matrix:
//
//	x = a / sqrt(mean a^2 + Eps) . gain
//	c[m*LDC+OffC+n] = sum_k x[m,k] w[n,k] + bias[OffBias+n]
//
// a is (M, K), gain (K), w (N, K), bias (OffBias+N), not looked at unless Bias is set.
func NormMatvec(p shaders.NormMatvecParams, a, gain, w, bias, c []float32) {
	x := make([]float64, p.K)
	for m := range p.M {
		normalise(x, a[m*p.K:(m+1)*p.K], gain, float64(p.Eps))
		out := c[m*p.LDC+p.OffC:]
		parallel(p.N, p.K, func(lo, hi int) {
			for n := lo; n < hi; n++ {
				sum := dot(w[n*p.K:(n+1)*p.K], x)
				if p.Bias {
					sum += float64(bias[p.OffBias+n])
				}
				out[n] = float32(sum)
			}
		})
	}
}
