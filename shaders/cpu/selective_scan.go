package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// SelectiveScan is the recurrence of the Mamba block (arXiv 2312.00752, alg. 2):
//
//	d_t = delta_t + bias, then softplus(d_t) if Softplus is set      (E)
//	h_t = exp(d_t A) . h_{t-1} + (d_t u_t) B_t                       (E,N)
//	y_t = sum_n h_t C_t + D u_t, then times silu(z_t) if HasZ is set (E)
//
// with m_t . exp(d_t A) in the place of exp(d_t A) if Modulated is set.
//
// u, delta and y are (B, L, E), bc and z strided as Params says, weights A
// (E, N) or, if SharedA is set, (N), then D (E) then bias (E), slots (B), state
// (slots, E, N). z is not looked at unless HasZ is set. The state is float64 from
// the first step to the last and rounded once, when it is stored.
func SelectiveScan(p shaders.SelectiveScanParams, u, delta, bc, z, weights []float32, slots []uint32, state, y []float32) {
	s := newScan(p, 1, u, delta, bc, z, weights, y)
	parallelChannels(p.Batch, p.Channels, p.Length*(10*p.States+30), func(b, lo, hi int) {
		slot, row, rows := p.Sequence(slots, b, p.Length)
		first := (slot*p.Channels + lo) * p.States
		kept := state[first : first+(hi-lo)*p.States] // (hi-lo, N)
		// A block of 16 channels with 16 states needs no allocation.
		var small [256]float64
		h := small[:]
		if len(kept) > len(h) {
			h = make([]float64, len(kept))
		}
		h = h[:len(kept)]
		if !p.Fresh {
			widen(h, kept)
		}
		for t := range rows {
			s.step(row+t, lo, hi, h)
		}
		for i, v := range h {
			kept[i] = float32(v)
		}
	})
}

// scan is one call's arguments.
type scan struct {
	p               shaders.SelectiveScanParams
	u, delta, bc, z []float32
	a, d, bias      []float32
	y               []float32
}

// newScan cuts the weights. An element of A, B, C and the state is so many numbers: one,
// or two if they are complex.
func newScan(p shaders.SelectiveScanParams, numbers int, u, delta, bc, z, weights, y []float32) scan {
	s := scan{p: p, u: u, delta: delta, bc: bc, z: z, y: y}
	s.a, s.d, s.bias = splitWeights(p, numbers, weights)
	return s
}

// splitWeights cuts the packed weights into A (E, N) or (N), D (E) and bias (E);
// the last two are nil when absent. An element of A is so many numbers.
func splitWeights(p shaders.SelectiveScanParams, numbers int, weights []float32) (a, d, bias []float32) {
	size := numbers * p.States
	if !p.SharedA {
		size *= p.Channels
	}
	a, rest := weights[:size], weights[size:]
	if p.HasD {
		d, rest = rest[:p.Channels], rest[p.Channels:]
	}
	if p.HasBias {
		bias = rest[:p.Channels]
	}
	return a, d, bias
}

// step moves the states h (hi-lo, N) of the channels [lo, hi) on by the token
// of row number row and stores the channels' outputs.
func (s *scan) step(row, lo, hi int, h []float64) {
	p := s.p
	bt := s.bc[row*p.BCStride+p.OffB:][:p.States] // (N)
	ct := s.bc[row*p.BCStride+p.OffC:][:p.States] // (N)
	var mt []float32                              // (N)
	if p.Modulated {
		mt = s.bc[row*p.BCStride+p.OffM:][:p.States]
	}
	for e := lo; e < hi; e++ {
		a := s.a // (N)
		if !p.SharedA {
			a = a[e*p.States:]
		}
		u := float64(s.u[row*p.Channels+e])
		d := s.stepSize(row, e)
		y := recur(h[(e-lo)*p.States:(e-lo+1)*p.States], a, mt, bt, ct, d, d*u)
		s.write(row, e, u, y)
	}
}

// write stores the output of channel e, whose sum over the states is y: D u is added, and
// the gate multiplied.
func (s *scan) write(row, e int, u, y float64) {
	p := s.p
	if s.d != nil {
		y += float64(s.d[e]) * u
	}
	if p.HasZ {
		y *= silu(float64(s.z[row*p.ZStride+p.OffZ+e]))
	}
	s.y[row*p.Channels+e] = float32(y)
}

// stepSize is d_t of channel e at the token of row number row.
func (s *scan) stepSize(row, e int) float64 {
	d := s.beforeSoftplus(row, e)
	if s.p.Softplus {
		d = softplus(d)
	}
	return d
}

// stepSlope is the derivative of stepSize by delta.
func (s *scan) stepSlope(row, e int) float64 {
	if !s.p.Softplus {
		return 1
	}
	return sigmoid(s.beforeSoftplus(row, e))
}

func (s *scan) beforeSoftplus(row, e int) float64 {
	x := float64(s.delta[row*s.p.Channels+e])
	if s.bias != nil {
		x += float64(s.bias[e])
	}
	return x
}

// recur does h = m exp(d a) h + du b for one channel and returns sum h c. All
// slices are (N); an m of nil stands for 1.
func recur(h []float64, a, m, b, c []float32, d, du float64) (y float64) {
	a, b, c = a[:len(h)], b[:len(h)], c[:len(h)]
	for n := range h {
		f := math.Exp(d * float64(a[n]))
		if m != nil {
			f *= float64(m[n])
		}
		h[n] = f*h[n] + du*float64(b[n])
		y += h[n] * float64(c[n])
	}
	return y
}
