package cpu

import "github.com/mambagpu/mambagpu/shaders"

// CausalConvBackward is the gradients of [CausalConv] from a zero state, as Fresh
// says. With s the sum that act is taken of and ds = dy act'(s):
//
//	dx[b,t,e] = sum_k w[e,k] ds[b, t+Width-1-k, e]    ds is 0 past the end
//	dw[e,k]  += sum_b,t ds[b,t,e] x[b, t-Width+1+k, e]
//	dbias[e] += sum_b,t ds[b,t,e]
//
// dy is (B, L, E), dx lies as x does, dweights are packed as the weights.
func CausalConvBackward(p shaders.CausalConvParams, x, weights, dy, dx, dweights []float32) {
	forward := p
	forward.SiLU, forward.Fresh = false, true
	c := conv{p: forward, x: x, weights: weights}
	parallel(p.Channels, p.Batch*p.Length*(4*p.Width+20), func(lo, hi int) {
		ds := make([]float64, p.Length)
		for e := lo; e < hi; e++ {
			w := weights[e*p.Width : (e+1)*p.Width]
			dw, dbias := make([]float64, p.Width), 0.0
			for b := range p.Batch {
				first := b * p.Length
				for t := range ds {
					ds[t] = float64(dy[(first+t)*p.Channels+e])
					if p.SiLU {
						_, slope := siluSlope(c.at(first, 0, t, e))
						ds[t] *= slope
					}
					dbias += ds[t]
					for k := range dw {
						dw[k] += ds[t] * float64(c.input(first, 0, t-p.Width+1+k, e))
					}
				}
				for t := range ds {
					var sum float64
					for k := max(0, t+p.Width-len(ds)); k < p.Width; k++ {
						sum += float64(w[k]) * ds[t+p.Width-1-k]
					}
					dx[(first+t)*p.Stride+p.Offset+e] = float32(sum)
				}
			}
			for k, v := range dw {
				put(&dweights[e*p.Width+k], v, true)
			}
			if p.Bias {
				put(&dweights[p.Channels*p.Width+e], dbias, true)
			}
		}
	})
}
