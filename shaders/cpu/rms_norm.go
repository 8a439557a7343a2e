package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// RMSNorm divides each row by its root mean square (arXiv 1910.07467, eq. 4):
//
//	y[t,i] = x[t,i] / sqrt(mean_j x[t,j]^2 + Eps) * weight[i]
//
// x and y are (Rows, Width), weight is (Width).
func RMSNorm(p shaders.RMSNormParams, x, weight, y []float32) {
	weight = weight[:p.Width]
	parallel(p.Rows, 2*p.Width, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			in := x[t*p.Width : (t+1)*p.Width]
			out := y[t*p.Width : (t+1)*p.Width]
			var sum float64
			for _, v := range in {
				sum += float64(v) * float64(v)
			}
			scale := 1 / math.Sqrt(sum/float64(p.Width)+float64(p.Eps))
			for i, v := range in {
				out[i] = float32(float64(v) * scale * float64(weight[i]))
			}
		}
	})
}
