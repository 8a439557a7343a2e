package cpu

import "github.com/mambagpu/mambagpu/shaders"

// InProjRows is InProjStep without x_proj:
//
//	x = a / sqrt(mean a^2 + Eps) . gain              (d)
//	(u, z) = W_in x + in_bias                        (2E)
//	u = silu(sum_k conv[e,k] past[e,k] + conv_bias)  past = state, then u
func InProjRows(p shaders.InProjRowsParams, a, w, small []float32, slots []uint32, state, uz []float32) {
	InProjStep(shaders.InProjStepParams{
		Rows: p.Rows, Width: p.Width, Channels: p.Channels, Taps: p.Taps, Group: p.Channels, Eps: p.Eps,
		ConvBias: p.ConvBias, Bias: p.Bias,
	}, a, w, small, slots, nil, state, uz, nil)
}
