package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// SelectiveScanBackward is the backward pass of SelectiveScan: from dy, the gradient of
// y, those of all that y depends on. With o_t = sum_n h_t C_t + D u_t, which the gate
// multiplies, and e_t = dy_t silu(z_t), or dy_t without a gate:
//
//	g_t = e_t C_t + exp(d_{t+1} A) . g_{t+1}              gradient of h_t, (E,N)
//	dC_t = sum_e e_t h_t,  dB_t = sum_e g_t d_t u_t       (N)
//	du_t = d_t sum_n g_t B_t + D e_t                      (E)
//	dd_t = u_t sum_n g_t B_t + sum_n g_t A exp(d_t A) h_{t-1}
//	dA = sum_t g_t d_t exp(d_t A) h_{t-1}, dD = sum_t e_t u_t, dh_0 = exp(d_1 A) g_1
//	dz_t = dy_t o_t silu'(z_t),  dx_t = dd_t sigmoid(x_t) of d_t = softplus(x_t)
//
// The arguments of SelectiveScan come first, y and the states left out of them: state
// has the initial states, is read unless Fresh is set, and stays. Then dy (B, L, E),
// which is replaced by the gradient of u; delta is replaced by its own, before bias and
// softplus. dbc has rows as bc, of which the gradients of B and C are written, dz as z.
// To dweights, packed as the weights are, the gradients of A, D and bias are added.
// dstate (B, E, N) is that of the initial states, which nobody wants if it is nil.
// Packed and Modulated scans have no backward pass.
//
// All sums are float64 and are added in an order that depends on the sizes alone.
func SelectiveScanBackward(p shaders.SelectiveScanParams, u, delta, bc, z, weights []float32, slots []uint32, state, dy, dbc, dz, dweights, dstate []float32) {
	s := scanBackward{scan: newScan(p, 1, u, delta, bc, z, weights, nil), state: state, dy: dy, dz: dz, dstate: dstate}
	s.da = make([]float64, p.Channels*p.States)
	s.dskip, s.dbias = make([]float64, p.Channels), make([]float64, p.Channels)

	const block = 32 // channels
	blocks := (p.Channels + block - 1) / block
	sums := make([]float64, blocks*p.Length*2*p.States) // of dB and dC over the channels of a block
	for b := range p.Batch {
		clear(sums)
		parallel(blocks, p.Length*block*(30*p.States+50), func(first, last int) {
			w := newScanWalk(p)
			for i := first; i < last; i++ {
				w.sums = sums[i*p.Length*2*p.States:][:p.Length*2*p.States]
				for e := i * block; e < min((i+1)*block, p.Channels); e++ {
					s.channel(w, b, int(slots[b]), e)
				}
			}
		})
		s.sumBlocks(dbc[b*p.Length*p.BCStride:], sums, blocks)
	}
	s.addWeights(dweights)
}

// scanBackward is one call's arguments and the gradients of the weights.
type scanBackward struct {
	scan
	state, dy, dz, dstate []float32
	da                    []float64 // (E, N)
	dskip, dbias          []float64 // (E)
}

// scanWalk is what one channel of a sequence needs on its way: the states before each
// step and after the last, the decays of the steps, and the gradient of the state.
type scanWalk struct {
	h     []float64 // (L+1, N)
	decay []float64 // (L, N)
	g     []float64 // (N)
	sums  []float64 // (L, 2, N): dB and dC
}

func newScanWalk(p shaders.SelectiveScanParams) *scanWalk {
	n := p.Length * p.States
	return &scanWalk{h: make([]float64, n+p.States), decay: make([]float64, n), g: make([]float64, p.States)}
}

// channel does channel e of batch row b: forwards for the states, then backwards.
func (s *scanBackward) channel(w *scanWalk, b, slot, e int) {
	p, n := s.p, s.p.States
	a := s.a // (N)
	if !p.SharedA {
		a = a[e*n:]
	}
	clear(w.h[:n])
	if !p.Fresh {
		widen(w.h[:n], s.state[(slot*p.Channels+e)*n:][:n])
	}
	for t := range p.Length {
		row := b*p.Length + t
		d := s.stepSize(row, e)
		s.forward(w, t, a[:n], s.bc[row*p.BCStride+p.OffB:], d, d*float64(s.u[row*p.Channels+e]))
	}
	clear(w.g)
	for t := p.Length - 1; t >= 0; t-- {
		s.backward(w, b*p.Length+t, t, e, a[:n])
	}
	if len(s.dstate) > 0 {
		for i, v := range w.g {
			s.dstate[(b*p.Channels+e)*n+i] = float32(v)
		}
	}
}

// forward makes the state after step t from the one before.
func (s *scanBackward) forward(w *scanWalk, t int, a, b []float32, d, du float64) {
	n := len(a)
	for i, v := range a {
		f := math.Exp(d * float64(v))
		w.decay[t*n+i] = f
		w.h[(t+1)*n+i] = f*w.h[t*n+i] + du*float64(b[i])
	}
}

// backward does step t of channel e, whose token has row number row: w.g comes as the
// gradient of the state after the step, as far as later steps depend on it, and goes as
// that of the state before.
func (s *scanBackward) backward(w *scanWalk, row, t, e int, a []float32) {
	p, n := s.p, s.p.States
	bt, ct := s.bc[row*p.BCStride+p.OffB:][:n], s.bc[row*p.BCStride+p.OffC:][:n]
	at := row*p.Channels + e
	u, d := float64(s.u[at]), s.stepSize(row, e)
	before, after := w.h[t*n:][:n], w.h[(t+1)*n:][:n]
	skip := 0.0
	if s.d != nil {
		skip = float64(s.d[e])
	}

	grad := float64(s.dy[at]) // e_t
	if p.HasZ {
		out := skip * u
		for i, h := range after {
			out += h * float64(ct[i])
		}
		gate := row*p.ZStride + p.OffZ + e
		z := float64(s.z[gate])
		open := sigmoid(z)
		s.dz[gate] = float32(grad * out * open * (1 + z*(1-open))) // silu'(z) = sigmoid(z) (1 + z sigmoid(-z))
		grad *= z * open
	}

	var gb, gah float64 // sums over the states of g B and g A exp(d A) h
	sumB, sumC := w.sums[2*t*n:][:n], w.sums[(2*t+1)*n:][:n]
	for i := range n {
		g := w.g[i] + grad*float64(ct[i])
		sumC[i] += grad * after[i]
		sumB[i] += g * d * u
		gb += g * float64(bt[i])
		g *= w.decay[t*n+i]
		gah += g * float64(a[i]) * before[i]
		s.da[e*n+i] += g * d * before[i]
		w.g[i] = g
	}
	s.dskip[e] += grad * u
	dd := (u*gb + gah) * s.stepSlope(row, e)
	s.dbias[e] += dd
	s.delta[at] = float32(dd)
	s.dy[at] = float32(d*gb + skip*grad)
}

// sumBlocks adds up dB and dC (blocks, L, 2, N) of one batch row, whose rows of dbc
// start with the first.
func (s *scanBackward) sumBlocks(dbc []float32, sums []float64, blocks int) {
	p := s.p
	parallel(p.Length, blocks*2*p.States, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			for i := range 2 * p.States {
				var sum float64
				for block := range blocks {
					sum += sums[(block*p.Length+t)*2*p.States+i]
				}
				at := p.OffB + i
				if i >= p.States {
					at = p.OffC + i - p.States
				}
				dbc[t*p.BCStride+at] = float32(sum)
			}
		}
	})
}

// addWeights adds the gradients of A, D and bias to the packed ones.
func (s *scanBackward) addWeights(dweights []float32) {
	da, dskip, dbias := splitWeights(s.p, 1, dweights)
	sum := s.da
	if s.p.SharedA {
		sum = make([]float64, s.p.States)
		for i, v := range s.da {
			sum[i%s.p.States] += v
		}
	}
	accumulate(da, sum)
	accumulate(dskip, s.dskip)
	accumulate(dbias, s.dbias)
}

// accumulate adds terms to sums, all that there are.
func accumulate(sums []float32, terms []float64) {
	for i := range sums {
		sums[i] = float32(float64(sums[i]) + terms[i])
	}
}
