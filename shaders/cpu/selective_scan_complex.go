package cpu

import "github.com/mambagpu/mambagpu/shaders"

// SelectiveScanComplex is SelectiveScan with complex A, B, C and state:
//
//	d_t = delta_t + bias, then softplus(d_t) if Softplus is set           (E)
//	h_t = exp(d_t A) . h_{t-1} + (d_t u_t) B_t                            (E,N)
//	y_t = 2 Re sum_n h_t C_t + D u_t, then times silu(z_t) if HasZ is set (E)
//
// with m_t . exp(d_t A) in the place of exp(d_t A) if Modulated is set, m being
// real.
//
// u, delta and y are (B, L, E), bc and z strided as Params says, weights A
// (E, N, 2) or, if SharedA is set, (N, 2), then D (E) then bias (E), slots (B),
// state (slots, E, N, 2); pairs are real and imaginary part. z is not looked at
// unless HasZ is set. The state is complex128 from the first step to the last
// and rounded once, when it is stored.
func SelectiveScanComplex(p shaders.ComplexScanParams, u, delta, bc, z, weights []float32, slots []uint32, state, y []float32) {
	s := complexScan{newScan(shaders.SelectiveScanParams(p), 2, u, delta, bc, z, weights, y)}
	parallelChannels(p.Batch, p.Channels, p.Length*(35*p.States+30), func(b, lo, hi int) {
		slot, row, rows := p.Sequence(slots, b, p.Length)
		first := (slot*p.Channels + lo) * p.States
		h := loadComplex(state[2*first:2*(first+(hi-lo)*p.States)], p.Fresh) // (hi-lo, N)
		for t := range rows {
			s.step(row+t, lo, hi, h)
		}
		storeComplex(state[2*first:], h)
	})
}

// complexScan is a scan whose A, B, C and state are complex: pairs of numbers.
type complexScan struct{ scan }

// step moves the states h (hi-lo, N) of the channels [lo, hi) on by the token
// of row number row and stores the channels' outputs.
func (s *complexScan) step(row, lo, hi int, h []complex128) {
	p := s.p
	bt := s.bc[row*p.BCStride+p.OffB:][:2*p.States] // (N, 2)
	ct := s.bc[row*p.BCStride+p.OffC:][:2*p.States] // (N, 2)
	var mt []float32                                // (N)
	if p.Modulated {
		mt = s.bc[row*p.BCStride+p.OffM:][:p.States]
	}
	for e := lo; e < hi; e++ {
		a := s.a // (N, 2)
		if !p.SharedA {
			a = a[2*e*p.States:]
		}
		u := float64(s.u[row*p.Channels+e])
		d := s.stepSize(row, e)
		y := recurComplex(h[(e-lo)*p.States:(e-lo+1)*p.States], a, mt, bt, ct, d, d*u)
		s.write(row, e, u, y)
	}
}

// recurComplex does h = m exp(d a) h + du b for one channel and returns
// 2 Re sum h c. h and m are (N), an m of nil standing for 1, the others (N, 2).
func recurComplex(h []complex128, a, m, b, c []float32, d, du float64) (y float64) {
	for n := range h {
		z := pair(a, n)
		f := expComplex(d*real(z), d*imag(z))
		if m != nil {
			f *= complex(float64(m[n]), 0)
		}
		h[n] = f*h[n] + complex(du, 0)*pair(b, n)
		y += real(h[n] * pair(c, n))
	}
	return 2 * y
}
