package cpu

import "github.com/mambagpu/mambagpu/shaders"

// LayersStep is a step of all layers for one sequence (arXiv 2312.00752, alg. 2): of each
// what [InProjStep], [DtScanStep] and [Matvec] with Add do one after the other:
//
//	x = residual / sqrt(mean residual^2 + Eps) . gain  (d)
//	(u, z) = W_in x                                    (2E)
//	u = silu(sum_k conv[e,k] past[e,k] + conv_bias)    past = conv state, then u
//	(dt, B, C) = W_x u                                 (R + 2N)
//	d = softplus(W_dt dt + bias)                       (E)
//	h = exp(d A) . h + (d u) B                         (E, N)
//	y = (sum_n h C + D u) silu(z)                      (E)
//	residual += W_out y                                (d)
//
// residual is (d), slots (1). Of each layer w has (2E, d), wx (R+2N, E), wdt (E, R) and
// wout (d, E), one after the other; and, padded to shaders.LayerBytes, small gain (d), conv
// (E, K), and conv_bias (E) if ConvBias is set, past (slots, E, K-1), weights A (E, N), D
// (E) and bias (E), state (slots, E, N). mail is a GPU's own.
func LayersStep(p shaders.LayersStepParams, residual, w, small []float32, slots []uint32, wx, past, wdt, weights, state, wout []float32, mail []uint32) {
	d, e, outputs := p.Width, p.Channels, p.Rank+2*p.States
	gains := d + e*p.Taps
	if p.ConvBias {
		gains += e
	}
	in := shaders.InProjStepParams{
		Rows: 1, Width: d, Channels: e, Taps: p.Taps, Outputs: outputs, Group: e, Eps: p.Eps, ConvBias: p.ConvBias,
	}
	uz, y, parts := make([]float32, 2*e), make([]float32, e), make([]float32, in.PartsCount())
	for i := range p.Layers {
		past, state := layer(past, i, p.Slots*e*(p.Taps-1)), layer(state, i, p.Slots*e*p.States)
		InProjStep(in, residual, w[i*2*e*d:][:2*e*d], layer(small, i, gains), slots, wx[i*outputs*e:][:outputs*e], past, uz, parts)
		DtScanStep(shaders.DtScanStepParams{
			Rows: 1, Channels: e, Rank: p.Rank, States: p.States, Groups: 1,
		}, uz, parts, wdt[i*e*p.Rank:][:e*p.Rank], layer(weights, i, e*(p.States+2)), slots, state, y)
		Matvec(shaders.MatmulParams{M: 1, N: d, K: e, LDA: e, LDC: d, Add: true}, y, wout[i*d*e:][:d*e], nil, residual)
	}
}

// layer is the n elements of layer i of an array whose layers are padded.
func layer(x []float32, i, n int) []float32 {
	return x[i*int(shaders.LayerBytes(uint64(4*n))/4):][:n]
}
