package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// ScanEnds is what each chunk does to a block of the states and to their gradients, with
// d_t as in [SelectiveScan] and e_t as in [SelectiveScanBackward]:
//
//	h = exp(d_t A) . h + (d_t u_t) B_t       from zero, from the chunk's first row to its last
//	g = exp(d_t A) . (g + e_t C_t)           from zero, from the last row to the first
//	sum of d_t
//
// It leaves them in scratch, where [shaders.ScanBlockParams] says.
func ScanEnds(p shaders.ScanBlockParams, u, delta, bc, z, weights, dy, scratch []float32) {
	s := newScan(p.SelectiveScanParams, 1, u, delta, bc, z, weights, nil)
	parallelChannels(p.Batch, p.Channels, p.Length*(20*p.Here()+40), func(b, lo, hi int) {
		h, g := make([]float64, p.Here()), make([]float64, p.Here())
		for e := lo; e < hi; e++ {
			for c := range p.Chunks() {
				first := c * p.Chunk
				last := min(first+p.Chunk, p.Length) - 1
				sum := s.ends(p, b*p.Length+first, b*p.Length+last, e, h, g, dy)
				for n := range h {
					at := heldAt(p, c, b, n, e)
					scratch[p.StatesAt()+at], scratch[p.GradsAt()+at] = float32(h[n]), float32(g[n])
				}
				scratch[sumAt(p, c, b, e)] = float32(sum)
			}
		}
	})
}

// heldAt is where scratch has state n of the block of channel e, from StatesAt or GradsAt
// on.
func heldAt(p shaders.ScanBlockParams, chunk, b, n, e int) int {
	return ((chunk*p.Batch+b)*p.Block()+n)*p.Channels + e
}

// sumAt is where scratch has the sum of a chunk's steps of channel e.
func sumAt(p shaders.ScanBlockParams, chunk, b, e int) int {
	return p.SumsAt() + (chunk*p.Batch+b)*p.Channels + e
}

// decayOf is A of state n of the block of channel e.
func (s *scan) decayOf(p shaders.ScanBlockParams, e, n int) float64 {
	if p.SharedA {
		e = 0
	}
	return float64(s.a[e*p.States+p.First+n])
}

// ends makes h and g of the rows first to last, of channel e, and returns the sum of their
// steps.
func (s *scan) ends(p shaders.ScanBlockParams, first, last, e int, h, g []float64, dy []float32) (sum float64) {
	clear(h)
	clear(g)
	for row := first; row <= last; row++ {
		d := s.stepSize(row, e)
		du := d * float64(s.u[row*p.Channels+e])
		for n := range h {
			h[n] = math.Exp(d*s.decayOf(p, e, n))*h[n] + du*float64(s.bc[row*p.BCStride+p.OffB+p.First+n])
		}
		sum += d
	}
	for row := last; row >= first; row-- {
		d, grad := s.stepSize(row, e), float64(dy[row*p.Channels+e])
		if p.HasZ {
			grad *= silu(float64(s.z[row*p.ZStride+p.OffZ+e]))
		}
		for n := range g {
			g[n] = math.Exp(d*s.decayOf(p, e, n)) * (g[n] + grad*float64(s.bc[row*p.BCStride+p.OffC+p.First+n]))
		}
	}
	return sum
}
