package cases

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func sigmoid32(x float32) float32 { return 1 / (1 + exp32(-x)) }

// turn32 is the cosine and sine of d*w radians, right to the last place as the
// kernels' argument reduction allows.
func turn32(d, w float32) (cos, sin float32) {
	s, c := math.Sincos(float64(d) * float64(w))
	return float32(c), float32(s)
}

func layerNorm32(params any, a []Arg) {
	p, x, weight, bias, y := params.(shaders.LayerNormParams), a[0].F32, a[1].F32, a[2].F32, a[3].F32
	for t := range p.Rows {
		row := x[t*p.Width:][:p.Width]
		var mean, sum float32
		for _, v := range row {
			mean += v - row[0]
		}
		mean /= float32(p.Width)
		for _, v := range row {
			d := v - row[0] - mean
			sum += d * d
		}
		scale := 1 / float32(math.Sqrt(float64(sum/float32(p.Width)+p.Eps)))
		for i, v := range row {
			y[t*p.Width+i] = (v-row[0]-mean)*scale*weight[i] + bias[i]
		}
	}
}

func discretize32(params any, args []Arg) {
	p, s, a, cells := params.(shaders.DiscretizeParams), args[0].F32, args[1].F32, args[2].F32
	for t := range p.Rows {
		row := s[t*p.Stride:]
		delta := row[p.OffDelta]
		if p.Softplus {
			delta = softplus32(delta)
		}
		for n := range p.States {
			cell := cells[4*(t*p.States+n):][:4]
			re, im := a[2*n], a[2*n+1]
			if p.Log {
				re, im = -exp32(a[n]), a[p.States+n]
			}
			hold32(delta, re, im, cell)
			if p.Modulated {
				m := sigmoid32(row[p.OffMod+n])
				cell[0], cell[1] = m*cell[0], m*cell[1]
			}
		}
	}
}

// hold32 is exp(z) and (exp(z) - 1)/a with z = delta a, the latter as a series
// where z is small.
func hold32(delta, re, im float32, cell []float32) {
	x, y := delta*re, delta*im
	cos, sin := turn32(delta, im)
	_, half := turn32(delta, im/2)
	e, em1 := exp32(x), float32(math.Expm1(float64(x)))
	cell[0], cell[1] = e*cos, e*sin
	if x*x+y*y >= 1./64 {
		r, i := em1*cos-2*half*half, e*sin
		size := re*re + im*im
		cell[2], cell[3] = (r*re+i*im)/size, (i*re-r*im)/size
		return
	}
	var r, i float32 = 1, 0
	for k := float32(6); k >= 2; k-- {
		r, i = 1+(x*r-y*i)/k, (x*i+y*r)/k
	}
	cell[2], cell[3] = delta*r, delta*i
}

func complexScan32(params any, args []Arg) {
	p := params.(shaders.ComplexScanParams)
	u, delta, bc, z, weights := args[0].F32, args[1].F32, args[2].F32, args[3].F32, args[4].F32
	slots, state, y := args[5].U32, args[6].F32, args[7].F32
	size := 2 * p.Channels * p.States
	for b := range p.Batch {
		slot, first, rows := p.Sequence(slots, b, p.Length)
		h := state[slot*size:][:size]
		if p.Fresh {
			clear(h)
		}
		for row := first; row < first+rows; row++ {
			for e := range p.Channels {
				a, rest := weights[:2*p.States], weights[2*p.States:]
				if !p.SharedA {
					a, rest = weights[2*e*p.States:], weights[size:]
				}
				x, d := u[row*p.Channels+e], delta[row*p.Channels+e]
				var skip, sum float32
				if p.HasD {
					skip, rest = rest[e]*x, rest[p.Channels:]
				}
				if p.HasBias {
					d += rest[e]
				}
				if p.Softplus {
					d = softplus32(d)
				}
				for n := range p.States {
					g := h[2*(e*p.States+n):][:2]
					c, s := turn32(d, a[2*n+1])
					f := exp2(d * (a[2*n] * math.Log2E))
					if p.Modulated {
						f *= bc[row*p.BCStride+p.OffM+n]
					}
					c, s = f*c, f*s
					bt, ct := bc[row*p.BCStride+p.OffB+2*n:], bc[row*p.BCStride+p.OffC+2*n:]
					g[0], g[1] = c*g[0]-s*g[1]+d*x*bt[0], c*g[1]+s*g[0]+d*x*bt[1]
					sum += g[0]*ct[0] - g[1]*ct[1]
				}
				sum = 2*sum + skip
				if p.HasZ {
					sum *= silu32(z[row*p.ZStride+p.OffZ+e])
				}
				y[row*p.Channels+e] = sum
			}
		}
	}
}

func modulatedScan32(params any, args []Arg) {
	p := params.(shaders.ModulatedScanParams)
	u, cells, s, weights := args[0].F32, args[1].F32, args[2].F32, args[3].F32
	slots, state, y := args[4].U32, args[5].F32, args[6].F32
	size := p.Channels * p.States
	for b := range p.Batch {
		slot, first, rows := p.Sequence(slots, b, p.Length)
		h := state[slot*2*size:][:2*size]
		if p.Fresh {
			clear(h)
		}
		for row := first; row < first+rows; row++ {
			for e := range p.Channels {
				x, bt, ct := u[row*p.Channels+e], s[row*p.Stride+p.OffB+e], s[row*p.Stride+p.OffC+e]
				var sum float32
				for n := range p.States {
					w := e*p.States + n
					g, cell := h[2*w:][:2], cells[4*(row*p.States+n):][:4]
					v := weights[w] * x
					g[0], g[1] = cell[0]*g[0]-cell[1]*g[1]+(cell[2]*v+bt*x), cell[0]*g[1]+cell[1]*g[0]+cell[3]*v
					sum += (weights[size+w] + ct) * g[0]
				}
				y[row*p.Channels+e] = 2*sum + weights[2*size+e]*x
			}
		}
	}
}
