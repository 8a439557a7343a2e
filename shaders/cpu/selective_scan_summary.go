package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// SelectiveScanSummary is what each chunk of a sequence but the last does to the
// state: with h_t and d_t as in [SelectiveScan],
//
//	state at the chunk's end: of the first from the sequence's state,
//	of the others from zero                                            (E,N)
//	sum of d_t over the chunk                                          (E)
//
// so that exp(A sum d) is the decay of what comes into the chunk. It is left in
// the rows of y that the later chunks will write, in each of them one after
// the other: [shaders.ScanSummaryParams] has the places. The first chunk's rows
// hold the sequence's state. A sequence of one chunk leaves nothing.
func SelectiveScanSummary(p shaders.ScanSummaryParams, u, delta, bc, weights []float32, slots []uint32, state, y []float32) {
	s := newScan(p.SelectiveScanParams, 1, u, delta, bc, nil, weights, y)
	parallelChannels(p.Batch, p.Channels, p.Length*(10*p.States+30), func(b, lo, hi int) {
		slot, row, rows := p.Sequence(slots, b, p.Length)
		chunks := p.Chunks(rows)
		h := make([]float64, p.States)
		for e := lo; e < hi && chunks > 1; e++ {
			clear(h)
			if !p.Fresh {
				widen(h, state[(slot*p.Channels+e)*p.States:][:p.States])
			}
			s.leave(row, e, h)
			for c := range chunks - 1 {
				total := s.chunk(row+c*p.Chunk, p.Chunk, e, h)
				for later := c + 1; later < chunks; later++ {
					at := row + p.Place(later, c)
					s.leave(at, e, h)
					s.y[(at+p.States)*p.Channels+e] = float32(total)
				}
				clear(h)
			}
		}
	})
}

// chunk moves the states h (N) of channel e on by rows tokens, the first of row
// number row, and returns the sum of their steps.
func (s *scan) chunk(row, rows, e int, h []float64) (total float64) {
	a := s.a // (N)
	if !s.p.SharedA {
		a = a[e*s.p.States:]
	}
	for t := row; t < row+rows; t++ {
		d := s.stepSize(t, e)
		du := d * float64(s.u[t*s.p.Channels+e])
		bt := s.bc[t*s.p.BCStride+s.p.OffB:][:s.p.States] // (N)
		for n := range h {
			h[n] = math.Exp(d*float64(a[n]))*h[n] + du*float64(bt[n])
		}
		total += d
	}
	return total
}

// leave stores the states h (N) of channel e in N rows of y from row on.
func (s *scan) leave(row, e int, h []float64) {
	for n, v := range h {
		s.y[(row+n)*s.p.Channels+e] = float32(v)
	}
}
