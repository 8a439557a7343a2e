package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// LayerNormBackward is the gradients of [LayerNorm]. With n[t,i] = (x[t,i] - mean_j
// x[t,j]) s[t], s[t] = 1 / sqrt(var_j x[t,j] + Eps) and g[t,i] = dy[t,i] weight[i]:
//
//	dx[t,i]     = s[t] (g[t,i] - mean_j g[t,j] - n[t,i] mean_j g[t,j] n[t,j])
//	dweight[i] += sum_t dy[t,i] n[t,i]
//	dbias[i]   += sum_t dy[t,i]
//
// x, dy and dx are (Rows, Width), the others (Width). With Add dx is added to.
func LayerNormBackward(p shaders.LayerNormBackwardParams, x, weight, dy, dx, dweight, dbias []float32) {
	width := float64(p.Width)
	means, scales := make([]float64, p.Rows), make([]float64, p.Rows)
	parallel(p.Rows, 6*p.Width, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			in, grad := x[t*p.Width:(t+1)*p.Width], dy[t*p.Width:(t+1)*p.Width]
			var mean, squares, sum, products float64
			for _, v := range in {
				mean += float64(v)
			}
			mean /= width
			for i, v := range in {
				d, g := float64(v)-mean, float64(grad[i])*float64(weight[i])
				squares += d * d
				sum += g
				products += g * d
			}
			s := 1 / math.Sqrt(squares/width+float64(p.Eps))
			means[t], scales[t] = mean, s
			for i, v := range in {
				g := float64(grad[i]) * float64(weight[i])
				n := (float64(v) - mean) * s
				put(&dx[t*p.Width+i], s*(g-sum/width-n*s*products/width), p.Add)
			}
		}
	})
	addColumns(p.Rows, p.Width, dweight, func(t, i int) float64 {
		return float64(dy[t*p.Width+i]) * (float64(x[t*p.Width+i]) - means[t]) * scales[t]
	})
	addColumns(p.Rows, p.Width, dbias, func(t, i int) float64 { return float64(dy[t*p.Width+i]) })
}
