package cpu

import "github.com/mambagpu/mambagpu/shaders"

// LastRows copies the last row of each sequence of x (rows, Width) to y
// (Batch, Width).
func LastRows(p shaders.LastRowsParams, x []float32, slots []uint32, y []float32) {
	for b := range p.Batch {
		_, first, rows := p.Sequence(slots, b, p.Length)
		copy(y[b*p.Width:(b+1)*p.Width], x[(first+rows-1)*p.Width:])
	}
}
