package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// InProjStep is the first half of a step of a Mamba block (arXiv 2312.00752, alg. 2):
//
//	x = a / sqrt(mean a^2 + Eps) . gain              (d)
//	(u, z) = W_in x + in_bias                        (2E)
//	u = silu(sum_k conv[e,k] past[e,k] + conv_bias)  past = state, then u
//	parts[g] = sum over e in group g of W_x[:,e] u_e (R+2N)
//
// a is (B, d), w (2E, d), wx (R+2N, E), slots (B), state (slots, E, K-1), uz (B, 2E),
// parts (groups, B, PartsStride). small has gain (d), conv (E, K), conv_bias (E) and
// in_bias (2E), the last two if Params says so. With Split uz is u (B, E), and behind the
// parts come a . gain (B, d), as planes for W_in, and 1/sqrt(mean a^2 + Eps) (B). With
// Squares a is the first of this (d), and sums of squares.
func InProjStep(p shaders.InProjStepParams, a, w, small []float32, slots []uint32, wx, state, uz, parts []float32) {
	d, e := p.Width, p.Channels
	gain, rest := small[:d], small[d:]
	taps := rest[:e*p.Taps]
	if p.ConvBias {
		taps = rest[:e*(p.Taps+1)]
	}
	bias := rest[len(taps):]
	x := make([]float64, d)
	split := uz
	if p.Split {
		uz = make([]float32, p.Rows*2*e)
		keepRows(p, a, gain, parts[p.PartsCount()-p.Rows*d-4:])
	}
	for b := range p.Rows {
		row := uz[b*2*e : (b+1)*2*e]
		if p.Squares > 0 {
			scale := factor(a[d:d+p.Squares], p)
			for i := range x {
				x[i] = float64(a[shaders.Plane(p.Weights, d, i)]) * scale
			}
		} else {
			normalise(x, a[b*d:(b+1)*d], gain, float64(p.Eps))
		}
		parallel(2*e, d, func(lo, hi int) {
			for n := lo; n < hi; n++ {
				sum := dot(w[n*d:(n+1)*d], x)
				if p.Bias {
					sum += float64(bias[n])
				}
				row[n] = float32(sum)
			}
		})
	}
	XProjStep(shaders.XProjStepParams{
		Rows: p.Rows, Channels: e, Taps: p.Taps, Outputs: p.Outputs, Group: p.Group, ConvBias: p.ConvBias,
	}, taps, slots, wx, state, uz, parts)
	if p.Split {
		for b := range p.Rows {
			copy(split[b*e:(b+1)*e], uz[b*2*e:])
		}
	}
}

// keepRows writes the rows a . gain (B, d), as planes, and their factors.
func keepRows(p shaders.InProjStepParams, a, gain, out []float32) {
	d := p.Width
	if p.Squares > 0 {
		copy(out, a[:d])
		out[d] = float32(factor(a[d:d+p.Squares], p))
		return
	}
	for b := range p.Rows {
		sum := 0.0
		for i, v := range a[b*d : (b+1)*d] {
			sum += float64(v) * float64(v)
			out[b*d+shaders.Plane(p.Weights, d, i)] = v * gain[i]
		}
		out[p.Rows*d+b] = float32(1 / math.Sqrt(sum/float64(d)+float64(p.Eps)))
	}
}

// factor is what normalises a row with the given sums of squares.
func factor(squares []float32, p shaders.InProjStepParams) float64 {
	sum := 0.0
	for _, v := range squares {
		sum += float64(v)
	}
	return 1 / math.Sqrt(sum/float64(p.Width)+float64(p.Eps))
}

// normalise is x = a / sqrt(mean a^2 + eps) . gain.
func normalise(x []float64, a, gain []float32, eps float64) {
	sum := 0.0
	for _, v := range a {
		sum += float64(v) * float64(v)
	}
	scale := 1 / math.Sqrt(sum/float64(len(a))+eps)
	for i, v := range a {
		x[i] = float64(v) * scale * float64(gain[i])
	}
}
