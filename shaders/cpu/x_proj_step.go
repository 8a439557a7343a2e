package cpu

import "github.com/mambagpu/mambagpu/shaders"

// XProjStep is the part of a step between in_proj and the scan:
//
//	u = silu(sum_k conv[e,k] past[e,k] + conv_bias)  past = state, then u
//	parts[g] = sum over e in group g of W_x[:,e] u_e (R+2N)
//
// conv is (E, K), then conv_bias (E) if Params says so, slots (B), wx (R+2N, E), state
// (slots, E, K-1), uz (B, 2E), of which the first half is replaced, and parts (groups,
// B, PartsStride).
func XProjStep(p shaders.XProjStepParams, conv []float32, slots []uint32, wx, state, uz, parts []float32) {
	e := p.Channels
	u := make([]float32, p.Rows*e)
	CausalConvStep(shaders.CausalConvParams{
		Batch: p.Rows, Channels: e, Width: p.Taps, Stride: 2 * e, Bias: p.ConvBias, SiLU: true,
	}, uz, conv, slots, state, u)
	for b := range p.Rows {
		row := u[b*e : (b+1)*e]
		copy(uz[b*2*e:], row)
		parallel(p.Groups(), p.Group*p.Outputs, func(lo, hi int) {
			for g := lo; g < hi; g++ {
				groupSums(p, parts[(g*p.Rows+b)*p.PartsStride():], wx, row, g)
			}
		})
	}
}

// groupSums is the outputs' sums over the channels of group g of u (E).
func groupSums(p shaders.XProjStepParams, out, wx, u []float32, g int) {
	first, last := g*p.Group, min((g+1)*p.Group, p.Channels)
	for j := range p.Outputs {
		sum := 0.0
		for e := first; e < last; e++ {
			sum += float64(wx[j*p.Channels+e]) * float64(u[e])
		}
		out[j] = float32(sum)
	}
}
