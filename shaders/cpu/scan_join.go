package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// ScanJoin replaces what [ScanEnds] left of each chunk by the states before it and the
// gradients of the states after it:
//
//	h before chunk c+1 = exp(A sum of d in c) . h before c + what c made of zero
//	g after chunk c-1  = exp(A sum of d in c) . g after c + what c made of zero
//
// from the initial state, by slots, or zero if Fresh is set, and from a gradient of zero.
// dstate (B, E, N) gets the gradient of the initial state unless it is nil.
func ScanJoin(p shaders.ScanBlockParams, weights []float32, slots []uint32, state, scratch, dstate []float32) {
	s := scan{p: p.SelectiveScanParams}
	s.a, _, _ = splitWeights(p.SelectiveScanParams, 1, weights)
	parallelChannels(p.Batch, p.Channels, p.Chunks()*p.Here()*40, func(b, lo, hi int) {
		for e := lo; e < hi; e++ {
			for n := range p.Here() {
				// pass moves x over a chunk, whose held word comes as what the chunk
				// makes of zero and goes as x before it.
				pass := func(x float64, at, c int) float64 {
					made := float64(scratch[at])
					scratch[at] = float32(x)
					return math.Exp(s.decayOf(p, e, n)*float64(scratch[sumAt(p, c, b, e)]))*x + made
				}
				h, g := 0.0, 0.0
				if !p.Fresh {
					h = float64(state[(int(slots[b])*p.Channels+e)*p.States+p.First+n])
				}
				for c := range p.Chunks() {
					h = pass(h, p.StatesAt()+heldAt(p, c, b, n, e), c)
				}
				for c := p.Chunks() - 1; c >= 0; c-- {
					g = pass(g, p.GradsAt()+heldAt(p, c, b, n, e), c)
				}
				if len(dstate) > 0 {
					dstate[(b*p.Channels+e)*p.States+p.First+n] = float32(g)
				}
			}
		}
	})
}
