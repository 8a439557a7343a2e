package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SelectiveScanBackward dispatches the backward pass of [Kernels.SelectiveScan], to be run
// in order: from dy (Batch, Length, Channels), the gradient of y, the gradients of all that
// y depends on.
//
// dy is replaced by the gradient of u, delta by its own, before bias and softplus. Those of
// B and C are written to dbc, at OffB and OffC of rows of BCStride; that of z to dz, at
// OffZ of rows of ZStride. Those of A, D and bias are added to dweights, packed as the
// weights are. dstate (Batch, Channels, States) is the gradient of the initial states, nil
// if nobody wants it. The initial states are read from state, by slots, and stay; state may
// be nil if Fresh is set, z and dz if HasZ is not. All of dbc, dz, dweights, dstate and scratch
// are buffers of their own; scratch has SelectiveScanBackwardScratch(p) words.
//
// Packed sequences and modulation have no backward pass. Two runs give the same bits.
func (k *Kernels) SelectiveScanBackward(p SelectiveScanParams, u, delta, bc, z, weights, slots, state, dy, dbc, dz, dweights, dstate, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	s := p.block(0)
	c := check{kernel: "selective_scan_backward"}
	s.check(&c)
	if c.err != nil {
		return nil, c.err
	}
	s.checkInputs(&c, u, delta, bc, z, weights, dy)
	s.checkStates(&c, slots, state, dstate)
	c.words("dbc", size(dbc), p.bcWords(1))
	if p.HasZ {
		c.words("dz", size(dz), (p.Batch*p.Length-1)*p.ZStride+p.OffZ+p.Channels)
	}
	c.words("dweights", size(dweights), p.WeightCount())
	c.words("scratch", size(scratch), s.words())
	if c.err != nil {
		return nil, c.err
	}
	var list dispatches
	for s.First = 0; s.First < p.States; s.First += blockStates {
		list.add(k.scanEnds(s, u, delta, bc, z, weights, dy, scratch))
		list.add(k.scanJoin(s, weights, slots, state, scratch, dstate))
		list.add(k.scanChunks(s, u, delta, bc, z, weights, dy, dz, scratch))
		list.add(k.scanRows(s, scratch, dbc))
	}
	rows, rest := s.Chunks()*p.Batch, s.restColumns()
	decays := ColumnSumsParams{Rows: rows, Columns: s.decayColumns(), Stride: s.decayColumns(), Offset: s.decaysAt()}
	if p.SharedA {
		decays.Rows, decays.Columns, decays.Stride = rows*s.Groups(), p.States, p.States
	}
	list.add(k.columnSums(decays, 1, true, scratch, dweights))
	if rest > 0 {
		list.add(k.columnSums(ColumnSumsParams{
			Rows: rows, Columns: rest, Stride: rest, Offset: s.restAt(), OffOut: p.WeightCount() - rest,
		}, 1, true, scratch, dweights))
	}
	return list.done()
}

// SelectiveScanBackwardScratch is the number of words of scratch that
// SelectiveScanBackward needs.
func (k *Kernels) SelectiveScanBackwardScratch(p SelectiveScanParams) int {
	return p.block(0).words()
}

// block is the stage of the states from first on.
func (p SelectiveScanParams) block(first int) ScanBlockParams {
	s := ScanBlockParams{p, first, usualChunk}
	switch grid := s.grid(); {
	case p.States > blockStates:
		s.Chunk = longChunk
	case int(grid[0]*grid[1]*grid[2]) < busyBackward:
		s.Chunk = shortChunk
	}
	return s
}

// The rows of a chunk. With fewer there are more workgroups and fewer states to keep for
// each, but more that goes through scratch: (8, 2048, 1024, 16) took an H100 966 to 971 us with
// any of these, (1, 2048, 1536, 16), 768 workgroups of 64 rows, 268 us with 64 and 241 with
// 32. Parts of A's gradient take States words a channel of each chunk, which are many where
// there are several blocks.
const (
	shortChunk = 32
	usualChunk = 64
	longChunk  = 128
)

// busyBackward is the number of workgroups from which on a large GPU needs no more.
const busyBackward = 2048

// scanChunks dispatches the last of a block's stages over the sequences.
func (k *Kernels) scanChunks(p ScanBlockParams, u, delta, bc, z, weights, dy, dz, scratch *wgpu.Buffer) (*wgpu.Dispatch, error) {
	buffers := []*wgpu.Buffer{u, bc, weights, delta, dy, scratch}
	if p.HasZ {
		buffers = append(buffers, z, dz)
	}
	return k.dispatch("selective_scan_backward", p.variant(nil), p.uniform(), p.grid(), buffers...)
}

func (p ScanBlockParams) checkInputs(c *check, u, delta, bc, z, weights, dy *wgpu.Buffer) {
	rows := p.Batch * p.Length
	c.words("u", size(u), rows*p.Channels)
	c.words("delta", size(delta), rows*p.Channels)
	c.words("bc", size(bc), p.bcWords(1))
	if p.HasZ {
		c.words("z", size(z), (rows-1)*p.ZStride+p.OffZ+p.Channels)
	}
	c.words("weights", size(weights), p.WeightCount())
	c.words("dy", size(dy), rows*p.Channels)
}

func (p ScanBlockParams) checkStates(c *check, slots, state, dstate *wgpu.Buffer) {
	if !p.Fresh {
		c.words("slots", size(slots), p.Batch)
		c.words("state", size(state), p.Channels*p.States)
	}
	if dstate != nil {
		c.words("dstate", size(dstate), p.Batch*p.Channels*p.States)
	}
}

// dispatches collects dispatches until the first error.
type dispatches struct {
	list []*wgpu.Dispatch
	err  error
}

// add appends a dispatch as a method of Kernels returns it.
func (d *dispatches) add(one *wgpu.Dispatch, err error) {
	switch {
	case d.err != nil:
		if err == nil {
			one.Close()
		}
	case err != nil:
		d.err = err
	default:
		d.list = append(d.list, one)
	}
}

// done is the dispatches, or the first error, all dispatches closed.
func (d *dispatches) done() ([]*wgpu.Dispatch, error) {
	if d.err == nil {
		return d.list, nil
	}
	for _, one := range d.list {
		one.Close()
	}
	return nil, d.err
}
