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
// parts come a . gain (B, d), as planes for W_in, and 1/sqrt(mean a^2 + Eps) (B). Ready, a
// is (2, d): those planes, then the row.
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
		a = keepRows(p, a, gain, parts[p.PartsCount()-p.Rows*d-4:])
	}
	for b := range p.Rows {
		row := uz[b*2*e : (b+1)*2*e]
		normalise(x, a[b*d:(b+1)*d], gain, float64(p.Eps))
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

// keepRows writes the rows a . gain (B, d), as planes, and their factors. It returns
// the rows.
func keepRows(p shaders.InProjStepParams, a, gain, out []float32) []float32 {
	d := p.Width
	var planes []float32
	if p.Ready {
		planes, a = a[:d], a[d:]
	}
	for b := range p.Rows {
		sum := 0.0
		for i, v := range a[b*d : (b+1)*d] {
			sum += float64(v) * float64(v)
			at := b*d + shaders.Plane(p.Weights, d, i)
			if p.Ready {
				out[at] = planes[at]
			} else {
				out[at] = v * gain[i]
			}
		}
		out[p.Rows*d+b] = float32(1 / math.Sqrt(sum/float64(d)+float64(p.Eps)))
	}
	return a
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
