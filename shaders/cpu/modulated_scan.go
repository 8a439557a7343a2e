package cpu

import "github.com/mambagpu/mambagpu/shaders"

// ModulatedScan is the recurrence with a complex diagonal A that the channels
// share and with A, B and C modulated by the token:
//
//	h_t = (a_t . Abar_t) . h_{t-1} + (phi_t . B + b_t) u_t    complex (E,N)
//	y_t = 2 Re sum_n (C + c_t) h_t + D u_t                    (E)
//
// u and y are (B, L, E); cells (B, L, N, 4) hold a . Abar and phi as Discretize
// makes them; b and c are E columns each of the strided s; weights B (E, N) then
// C (E, N) then D (E); slots (B); state (slots, E, N, 2). The state is complex128
// from the first step to the last and rounded once, when it is stored.
func ModulatedScan(p shaders.ModulatedScanParams, u, cells, s, weights []float32, slots []uint32, state, y []float32) {
	m := modulated{p: p, u: u, cells: cells, s: s, y: y}
	size := p.Channels * p.States
	m.b, m.c, m.d = weights[:size], weights[size:2*size], weights[2*size:]
	parallelChannels(p.Batch, p.Channels, p.Length*(8*p.States+30), func(b, lo, hi int) {
		slot, row, rows := p.Sequence(slots, b, p.Length)
		first := (slot*p.Channels + lo) * p.States
		h := loadComplex(state[2*first:2*(first+(hi-lo)*p.States)], p.Fresh) // (hi-lo, N)
		for t := range rows {
			m.step(row+t, lo, hi, h)
		}
		storeComplex(state[2*first:], h)
	})
}

// modulated is one call's arguments.
type modulated struct {
	p           shaders.ModulatedScanParams
	u, cells, s []float32
	b, c, d     []float32
	y           []float32
}

// step moves the states h (hi-lo, N) of the channels [lo, hi) on by the token
// of row number row and stores the channels' outputs.
func (m *modulated) step(row, lo, hi int, h []complex128) {
	p := m.p
	cells := m.cells[row*p.States*4:][:4*p.States] // (N, 4)
	for e := lo; e < hi; e++ {
		u := float64(m.u[row*p.Channels+e])
		bt := float64(m.s[row*p.Stride+p.OffB+e])
		ct := float64(m.s[row*p.Stride+p.OffC+e])
		var y float64
		for n := range p.States {
			abar, phi := pair(cells, 2*n), pair(cells, 2*n+1)
			i, w := (e-lo)*p.States+n, e*p.States+n
			h[i] = abar*h[i] + (phi*complex(float64(m.b[w]), 0)+complex(bt, 0))*complex(u, 0)
			y += (float64(m.c[w]) + ct) * real(h[i])
		}
		m.y[row*p.Channels+e] = float32(2*y + float64(m.d[e])*u)
	}
}

// loadComplex is a copy of a state of interleaved real and imaginary parts, or
// zeros in its place if it is fresh.
func loadComplex(state []float32, fresh bool) []complex128 {
	h := make([]complex128, len(state)/2)
	if !fresh {
		for i := range h {
			h[i] = pair(state, i)
		}
	}
	return h
}

// storeComplex rounds h into a state.
func storeComplex(state []float32, h []complex128) {
	for i, v := range h {
		state[2*i], state[2*i+1] = float32(real(v)), float32(imag(v))
	}
}
