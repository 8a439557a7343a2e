package shaders

import (
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// ScanSummaryParams are those of a selective scan whose sequences are cut into chunks
// of Chunk rows. The last chunk of a sequence has what is left, up to twice as much,
// and a sequence of less than two chunks is one.
//
// The summary of a chunk, its States states and the sum of its steps, takes States+1 rows
// of y in each later chunk; for these a chunk must have the room.
type ScanSummaryParams struct {
	SelectiveScanParams
	Chunk int // rows
}

// Chunks is the number of chunks of a sequence of so many rows.
func (p ScanSummaryParams) Chunks(rows int) int { return max(rows/p.Chunk, 1) }

// Place is the row, counted from the sequence's first, from which on a later chunk has
// the summary of another.
func (p ScanSummaryParams) Place(later, chunk int) int {
	return later*p.Chunk + chunk*(p.States+1)
}

// SelectiveScanSummary dispatches the summaries of all chunks but the last, from u and
// delta (Batch, Length, Channels) and the state of the given slots (Batch) into y of the
// same shape: what SelectiveScanChunked does first. There must be two chunks or more,
// and no modulation.
func (k *Kernels) SelectiveScanSummary(p ScanSummaryParams, u, delta, bc, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "selective_scan_summary"}
	p.HasZ = false
	p.check(&c, maxElements)
	c.off("Modulated", p.Modulated)
	c.off("Halves", p.Halves)
	c.size("Chunk", p.Chunk, 1, p.Length/2)
	if c.err == nil {
		c.size("Chunk", p.Chunk, summaryRows(p.States, p.Chunks(p.Length)), p.Length/2)
	}
	p.checkBuffers(&c, u, delta, bc, nil, weights, slots, state, y)
	if c.err != nil {
		return nil, c.err
	}
	f, ok := p.groupedForm(k.dev.Limits(), k.dev.Info().Kind)
	if !ok {
		return nil, &ShapeError{"selective_scan_summary", "States", fmt.Sprint(p.States), "what there is workgroup memory for"}
	}
	f.chunks = p.Chunks(p.Length)
	return k.summary(f, p, u, delta, bc, weights, slots, state, y)
}

// summaryRows is the number of rows of y that the summaries in a chunk take.
func summaryRows(states, chunks int) int {
	return max(states, (chunks-1)*(states+1))
}

// summary dispatches the summaries for a form of selective_scan_grouped.
func (k *Kernels) summary(f scanForm, p ScanSummaryParams, u, delta, bc, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	grid := p.grid(f.channels)
	grid[2] = uint32(f.chunks - 1)
	return k.dispatch("selective_scan_summary", p.summaryVariant(f), p.groupedUniform(p.Chunk), grid,
		u, delta, bc, weights, slots, state, y)
}
