package cpu

import (
	"math/cmplx"

	"github.com/mambagpu/mambagpu/shaders"
)

// ModulatedScanBackward is the gradients of ModulatedScan, given that of y. With
// f_t = a_t . Abar_t, the first half of a cell, and h_t as there, and the gradient
// of a complex number written as that of its real part plus i times that of its
// imaginary part:
//
//	g_t  = 2 dy_t (C + c_t) + conj(f_{t+1}) g_{t+1}       (E,N) from the last token on
//	df_t = sum_e g_t conj(h_{t-1}),  dphi_t = sum_e g_t B u_t     (N)
//	du_t = sum_n Re(g_t conj(phi_t B + b_t)) + D dy_t             (E)
//	db_t = u_t sum_n Re g_t,  dc_t = 2 dy_t sum_n Re h_t          (E)
//	dB   = sum_t Re(g_t conj(phi_t)) u_t,  dC = 2 sum_t dy_t Re h_t (E,N)
//	dD   = sum_t dy_t u_t,  dh_0 = conj(f_1) g_1                  (E), (E,N)
//
// dy is replaced by the gradient of u. dcells (B, L, N, 4) gets those of f and phi;
// ds, laid out as s, those of b and c, and keeps what lies between; dstate (B, E,
// N, 2), unless it is nil, that of the initial state. What the weights' gradients
// are is added to dweights, laid out as weights. The initial state (slots, E, N, 2)
// is read only, and not at all if Fresh is set. Sums are float64; those over
// channels and tokens are in order. Packed scans have no backward pass.
func ModulatedScanBackward(p shaders.ModulatedScanParams, u, cells, s, weights []float32, slots []uint32, state, dy, dcells, ds, dweights, dstate []float32) {
	m := modulatedBackward{
		modulated: modulated{p: p, u: u, cells: cells, s: s},
		slots:     slots, state: state, dy: dy, ds: ds, dstate: dstate,
	}
	size := p.Channels * p.States
	m.b, m.c, m.d = weights[:size], weights[size:2*size], weights[2*size:]
	sums := make([][]float64, p.Batch) // of the weights' gradients
	parallel(p.Batch, p.Length*p.Channels*(30*p.States+60), func(lo, hi int) {
		for b := lo; b < hi; b++ {
			sums[b] = m.sequence(b, dcells)
		}
	})
	addRows(dweights, sums)
}

// modulatedBackward is one call's arguments.
type modulatedBackward struct {
	modulated
	slots          []uint32
	state          []float32
	dy, ds, dstate []float32
}

// modulatedChannel is what the channels of a sequence sum up, and room for the
// states of one.
type modulatedChannel struct {
	dw       []float64    // as weights
	df, dphi []complex128 // (L, N)
	h        []complex128 // (L+1, N) before the first token and after each
	g        []complex128 // (N) conj(f_{t+1}) g_{t+1}
}

// sequence does one sequence and returns its part of the weights' gradients.
func (m *modulatedBackward) sequence(b int, dcells []float32) []float64 {
	p := m.p
	c := modulatedChannel{
		dw: make([]float64, p.WeightCount()),
		df: make([]complex128, p.Length*p.States), dphi: make([]complex128, p.Length*p.States),
		h: make([]complex128, (p.Length+1)*p.States), g: make([]complex128, p.States),
	}
	for e := range p.Channels {
		m.channel(&c, b, e)
	}
	for i, df := range c.df {
		storeComplex(dcells[4*(b*p.Length*p.States+i):], []complex128{df, c.dphi[i]})
	}
	return c.dw
}

// channel walks channel e of sequence b there and back.
func (m *modulatedBackward) channel(c *modulatedChannel, b, e int) {
	p, n := m.p, m.p.States
	clear(c.h[:n])
	if !p.Fresh {
		slot := int(m.slots[b])
		copy(c.h, loadComplex(m.state[2*(slot*p.Channels+e)*n:2*(slot*p.Channels+e+1)*n], false))
	}
	for t := range p.Length {
		row := b*p.Length + t
		u, bt := float64(m.u[row*p.Channels+e]), float64(m.s[row*p.Stride+p.OffB+e])
		for i := range n {
			f, phi := pair(m.cells, 2*(row*n+i)), pair(m.cells, 2*(row*n+i)+1)
			x := phi*complex(float64(m.b[e*n+i]), 0) + complex(bt, 0)
			c.h[(t+1)*n+i] = f*c.h[t*n+i] + x*complex(u, 0)
		}
	}
	clear(c.g)
	for t := p.Length - 1; t >= 0; t-- {
		m.back(c, b, t, e)
	}
	if m.dstate != nil {
		storeComplex(m.dstate[2*(b*p.Channels+e)*n:], c.g)
	}
}

// back is one token of the way back.
func (m *modulatedBackward) back(c *modulatedChannel, b, t, e int) {
	p, n := m.p, m.p.States
	size := p.Channels * n
	row := b*p.Length + t
	at := row*p.Channels + e
	u, dy := float64(m.u[at]), float64(m.dy[at])
	bt, ct := float64(m.s[row*p.Stride+p.OffB+e]), float64(m.s[row*p.Stride+p.OffC+e])
	before, h := c.h[t*n:(t+1)*n], c.h[(t+1)*n:(t+2)*n]
	var du, sumG, sumH float64
	for i := range n {
		f, phi := pair(m.cells, 2*(row*n+i)), pair(m.cells, 2*(row*n+i)+1)
		w := e*n + i
		wb := float64(m.b[w])
		g := c.g[i] + complex(2*dy*(float64(m.c[w])+ct), 0)
		held := real(g * cmplx.Conj(phi))
		c.df[t*n+i] += g * cmplx.Conj(before[i])
		c.dphi[t*n+i] += g * complex(wb*u, 0)
		c.dw[w] += held * u
		c.dw[size+w] += 2 * dy * real(h[i])
		du += held*wb + real(g)*bt
		sumG += real(g)
		sumH += real(h[i])
		c.g[i] = cmplx.Conj(f) * g
	}
	c.dw[2*size+e] += dy * u
	m.ds[row*p.Stride+p.OffB+e] = float32(u * sumG)
	m.ds[row*p.Stride+p.OffC+e] = float32(2 * dy * sumH)
	m.dy[at] = float32(du + float64(m.d[e])*dy)
}
