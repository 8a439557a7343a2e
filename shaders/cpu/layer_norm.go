package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// LayerNorm shifts and scales each row to mean 0 and variance 1, the biased one
// (arXiv 1607.06450, eq. 4), then by weight and bias:
//
//	y[t,i] = (x[t,i] - mean_j x[t,j]) / sqrt(var_j x[t,j] + Eps) * weight[i] + bias[i]
//
// x and y are (Rows, Width), weight and bias are (Width).
func LayerNorm(p shaders.LayerNormParams, x, weight, bias, y []float32) {
	weight, bias = weight[:p.Width], bias[:p.Width]
	parallel(p.Rows, 3*p.Width, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			in := x[t*p.Width : (t+1)*p.Width]
			out := y[t*p.Width : (t+1)*p.Width]
			var mean, sum float64
			for _, v := range in {
				mean += float64(v)
			}
			mean /= float64(p.Width)
			for _, v := range in {
				d := float64(v) - mean
				sum += d * d
			}
			scale := 1 / math.Sqrt(sum/float64(p.Width)+float64(p.Eps))
			for i, v := range in {
				out[i] = float32((float64(v)-mean)*scale*float64(weight[i]) + float64(bias[i]))
			}
		}
	})
}
