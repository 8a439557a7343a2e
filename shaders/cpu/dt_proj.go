package cpu

import "github.com/mambagpu/mambagpu/shaders"

// DtProj gives each channel its step size:
//
//	delta[t,e] = softplus(sum_r x[t*Stride+Offset+r] * w[e,r] + bias[e])
//
// x is strided (Rows, Rank), w (Channels, Rank), bias (Channels), delta
// (Rows, Channels).
func DtProj(p shaders.DtProjParams, x, w, bias, delta []float32) {
	product(p.Rows, p.Channels, p.Rank, p.Stride, p.Offset, x, w, func(t, e int, sum float64) {
		delta[t*p.Channels+e] = float32(softplus(sum + float64(bias[e])))
	})
}
