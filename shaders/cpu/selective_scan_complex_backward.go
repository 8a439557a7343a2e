package cpu

import (
	"math/cmplx"

	"github.com/mambagpu/mambagpu/shaders"
)

// SelectiveScanComplexBackward is the gradients of SelectiveScanComplex, given
// that of y. With d_t, f_t = exp(d_t A) and h_t as there, y'_t = 2 Re sum_n
// h_t C_t + D u_t the output before the gate, e_t = dy_t silu(z_t) or dy_t, and
// the gradient of a complex number written as that of its real part plus i times
// that of its imaginary part:
//
//	g_t  = 2 e_t conj(C_t) + conj(f_{t+1}) g_{t+1}         (E,N) from the last token on
//	dB_t = sum_e g_t d_t u_t,  dC_t = 2 sum_e e_t conj(h_t)       (N)
//	du_t = sum_n Re(g_t conj(d_t B_t)) + D e_t                    (E)
//	dd_t = sum_n Re(g_t conj(A f_t h_{t-1} + u_t B_t))            (E)
//	dz_t = dy_t y'_t silu'(z_t)                                   (E)
//	dA   = sum_t g_t conj(d_t f_t h_{t-1}),  dh_0 = conj(f_1) g_1 (E,N)
//	dD   = sum_t e_t u_t,  dbias = sum_t of delta's gradient      (E)
//
// delta's gradient is dd_t, times sigmoid(delta_t + bias) if Softplus is set.
//
// delta is replaced by its gradient and dy by that of u. dbc, laid out as bc, gets
// those of B and C and keeps what lies between; dz, laid out as z, that of z; dstate (B, E, N, 2), unless it is nil, that of the initial
// state. What the weights' gradients are is added to dweights, laid out as weights.
// The initial state (slots, E, N, 2) is read only, and not at all if Fresh is set.
// Sums are float64; those over channels and tokens are in order. Packed and Modulated
// scans have no backward pass.
func SelectiveScanComplexBackward(p shaders.ComplexScanParams, u, delta, bc, z, weights []float32, slots []uint32, state, dy, dbc, dz, dweights, dstate []float32) {
	s := complexBackward{
		complexScan: complexScan{newScan(shaders.SelectiveScanParams(p), 2, u, delta, bc, z, weights, nil)},
		slots:       slots, state: state, dy: dy, dz: dz, dstate: dstate,
	}
	sums := make([][]float64, p.Batch) // of the weights' gradients
	parallel(p.Batch, p.Length*p.Channels*(80*p.States+60), func(lo, hi int) {
		for b := lo; b < hi; b++ {
			sums[b] = s.sequence(b, len(weights), dbc)
		}
	})
	addRows(dweights, sums)
}

// addRows adds sums, each rounded once, to x.
func addRows(x []float32, sums [][]float64) {
	for i := range x {
		var sum float64
		for _, row := range sums {
			sum += row[i]
		}
		x[i] += float32(sum)
	}
}

// complexBackward is one call's arguments.
type complexBackward struct {
	complexScan
	slots          []uint32
	state          []float32
	dy, dz, dstate []float32
}

// sequence does one sequence and returns its part of the weights' gradients.
func (s *complexBackward) sequence(b, weightCount int, dbc []float32) []float64 {
	p := s.p
	c := complexChannel{
		dw: make([]float64, weightCount),
		db: make([]complex128, p.Length*p.States), dc: make([]complex128, p.Length*p.States),
		h: make([]complex128, (p.Length+1)*p.States), g: make([]complex128, p.States),
	}
	for e := range p.Channels {
		s.channel(&c, b, e)
	}
	for t := range p.Length {
		row := dbc[(b*p.Length+t)*p.BCStride:]
		storeComplex(row[p.OffB:], c.db[t*p.States:(t+1)*p.States])
		storeComplex(row[p.OffC:], c.dc[t*p.States:(t+1)*p.States])
	}
	return c.dw
}

// complexChannel is what the channels of a sequence sum up, and room for the
// states of one.
type complexChannel struct {
	dw     []float64    // as weights
	db, dc []complex128 // (L, N)
	h      []complex128 // (L+1, N) before the first token and after each
	g      []complex128 // (N) conj(f_{t+1}) g_{t+1}
}

// channel walks channel e of sequence b there and back.
func (s *complexBackward) channel(c *complexChannel, b, e int) {
	p, n := s.p, s.p.States
	a := s.a // (N, 2)
	if !p.SharedA {
		a = a[2*e*n:]
	}
	clear(c.h[:n])
	if !p.Fresh {
		slot := int(s.slots[b])
		copy(c.h, loadComplex(s.state[2*(slot*p.Channels+e)*n:2*(slot*p.Channels+e+1)*n], false))
	}
	for t := range p.Length {
		row := b*p.Length + t
		d := s.stepSize(row, e)
		h := c.h[(t+1)*n : (t+2)*n]
		copy(h, c.h[t*n:])
		recurComplex(h, a, nil, s.bc[row*p.BCStride+p.OffB:], s.bc[row*p.BCStride+p.OffC:], d, d*float64(s.u[row*p.Channels+e]))
	}
	clear(c.g)
	for t := p.Length - 1; t >= 0; t-- {
		s.back(c, b, t, e, a)
	}
	if s.dstate != nil {
		storeComplex(s.dstate[2*(b*p.Channels+e)*n:], c.g)
	}
}

// back is one token of the way back.
func (s *complexBackward) back(c *complexChannel, b, t, e int, a []float32) {
	p, n := s.p, s.p.States
	row := b*p.Length + t
	at := row*p.Channels + e
	bt, ct := s.bc[row*p.BCStride+p.OffB:], s.bc[row*p.BCStride+p.OffC:]
	u, dy := float64(s.u[at]), float64(s.dy[at])
	d, slope := s.stepSize(row, e), s.stepSlope(row, e)
	before, h := c.h[t*n:(t+1)*n], c.h[(t+1)*n:(t+2)*n]

	et := dy
	if p.HasZ {
		z := p.OffZ + row*p.ZStride + e
		y := s.output(h, ct, e, u)
		gate, gateSlope := siluSlope(float64(s.z[z]))
		s.dz[z] = float32(dy * y * gateSlope)
		et *= gate
	}
	var du, dd float64
	da := c.dw // (N, 2) of the channel
	if !p.SharedA {
		da = da[2*e*n:]
	}
	for i := range n {
		ai, bi := pair(a, i), pair(bt, i)
		f := expComplex(d*real(ai), d*imag(ai))
		g := c.g[i] + complex(2*et, 0)*cmplx.Conj(pair(ct, i))
		q := g * cmplx.Conj(f*before[i])
		gb := real(g * cmplx.Conj(bi))
		c.db[t*n+i] += g * complex(d*u, 0)
		c.dc[t*n+i] += complex(2*et, 0) * cmplx.Conj(h[i])
		du += d * gb
		dd += u*gb + real(q*cmplx.Conj(ai))
		da[2*i] += d * real(q)
		da[2*i+1] += d * imag(q)
		c.g[i] = cmplx.Conj(f) * g
	}
	s.rest(c.dw, e, et*u, dd*slope)
	if s.d != nil {
		du += float64(s.d[e]) * et
	}
	s.delta[at], s.dy[at] = float32(dd*slope), float32(du)
}

// rest adds a token's part of the gradients of D and bias of channel e.
func (s *complexBackward) rest(dw []float64, e int, skip, bias float64) {
	i := len(s.a) + e
	if s.d != nil {
		dw[i] += skip
		i += s.p.Channels
	}
	if s.bias != nil {
		dw[i] += bias
	}
}

// output is y' of channel e.
func (s *complexScan) output(h []complex128, c []float32, e int, u float64) (y float64) {
	for i, v := range h {
		y += 2 * real(v*pair(c, i))
	}
	if s.d != nil {
		y += float64(s.d[e]) * u
	}
	return y
}
