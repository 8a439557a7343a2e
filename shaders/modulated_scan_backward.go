package shaders

import "github.com/mambagpu/mambagpu/wgpu"

type modulatedBackwardVariant struct {
	backTile
	Fresh bool
	Tape  bool // for a template that walks there
}

// Memory is the bytes of workgroup memory.
func (v modulatedBackwardVariant) Memory() int { return 4*256*(4+3+1) + 4*1024*v.Together }

// Taped is the variant that keeps the states on its way.
func (v modulatedBackwardVariant) Taped() modulatedBackwardVariant {
	v.Tape = true
	return v
}

// ModulatedScanBackward dispatches the gradients of [Kernels.ModulatedScan], to be run in
// order, given dy (Batch, Length, Channels), that of y.
//
// dy is replaced by the gradient of u. dcells (Batch, Length, States, 4) gets that of the
// cells, as [Kernels.DiscretizeBackward] takes it; ds those of b and c, at OffB and OffC of
// rows of Stride. Those of B, C and D are added to dweights, packed as the weights are.
// The gradient of a complex number is that of its real part, then that of its imaginary
// part. dstate (Batch, Channels, States, 2) is the gradient of the initial states, nil if
// nobody wants it. The initial states are read from state, by slots, and stay; slots and
// state may be nil if Fresh is set. dcells, ds, dweights, dstate and scratch are buffers of
// their own; scratch has ModulatedScanBackwardScratch(p) words.
//
// Packed sequences have no backward pass. Two runs give the same bits.
func (k *Kernels) ModulatedScanBackward(p ModulatedScanParams, u, cells, s, weights, slots, state, dy, dcells, ds, dweights, dstate, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	c := check{kernel: "modulated_scan_backward"}
	p.check(&c, maxElements)
	c.unpacked(p.Packing)
	if c.err != nil {
		return nil, c.err
	}
	rows, width := p.Batch*p.Length, 2*p.Channels*p.States
	p.checkBackward(&c, u, cells, s, weights, dy, dcells, ds, dweights)
	c.states(p.Fresh, p.Batch, width, slots, state, dstate)
	t := newBackTile(p.States)
	t.Cells = true
	plan := t.plan(p.back(), k.bindingWords())
	c.words("scratch", size(scratch), plan.words)
	if c.err != nil {
		return nil, c.err
	}
	var list dispatches
	if !p.Fresh {
		list.add(k.GatherStates(GatherStatesParams{p.Batch, width}, slots, state, scratch))
	}
	list.add(k.dispatch(c.kernel, modulatedBackwardVariant{backTile: t, Fresh: p.Fresh},
		uniform(append([]any{p.Length, p.Channels, p.Stride, p.OffB, p.OffC}, plan.uniform()...)...),
		[3]uint32{uint32(plan.side), uint32(p.Batch), 1}, u, cells, s, weights, dy, ds, scratch))
	list.add(k.PartColumns(PartColumnsParams{
		Parts: plan.side, Rows: rows, Width: t.Columns(), PartStride: t.Columns(), OffParts: plan.sums, Stride: t.Columns(),
	}, scratch, dcells))
	list.copyStates(k, p.Batch, width, scratch, dstate)
	list.add(k.columnSums(ColumnSumsParams{Rows: p.Batch, Columns: width, Stride: width, Offset: plan.a}, 1, true, scratch, dweights))
	list.add(k.columnSums(ColumnSumsParams{
		Rows: p.Batch, Columns: p.Channels, Stride: p.Channels, Offset: plan.rest, OffOut: width,
	}, 1, true, scratch, dweights))
	return list.done()
}

func (p ModulatedScanParams) checkBackward(c *check, u, cells, s, weights, dy, dcells, ds, dweights *wgpu.Buffer) {
	rows := p.Batch * p.Length
	c.words("u", size(u), rows*p.Channels)
	c.words("cells", size(cells), 4*rows*p.States)
	c.words("s", size(s), p.sWords())
	c.words("weights", size(weights), p.WeightCount())
	c.words("dy", size(dy), rows*p.Channels)
	c.words("dcells", size(dcells), 4*rows*p.States)
	c.words("ds", size(ds), p.sWords())
	c.words("dweights", size(dweights), p.WeightCount())
}

// ModulatedScanBackwardScratch is the number of words of scratch that
// ModulatedScanBackward needs.
func (k *Kernels) ModulatedScanBackwardScratch(p ModulatedScanParams) int {
	return newBackTile(p.States).plan(p.back(), k.bindingWords()).words
}

func (p ModulatedScanParams) back() backParams {
	return backParams{batch: p.Batch, length: p.Length, channels: p.Channels, rest: 1}
}
