package shaders

import "github.com/mambagpu/mambagpu/wgpu"

type complexBackwardVariant struct {
	backTile
	HasZ, HasD, HasBias, Softplus bool
	Fresh, SharedA                bool
	Tape                          bool // for a template that walks there
}

// Memory is the bytes of workgroup memory.
func (v complexBackwardVariant) Memory() int { return 4*256*(3+3+1) + 4*1024*v.Together }

// Taped is the variant that keeps the states on its way.
func (v complexBackwardVariant) Taped() complexBackwardVariant {
	v.Tape = true
	return v
}

// SelectiveScanComplexBackward dispatches the gradients of [Kernels.SelectiveScanComplex],
// to be run in order, given dy (Batch, Length, Channels), that of y.
//
// dy is replaced by the gradient of u, delta by its own, before bias and softplus. Those
// of B and C are written to dbc, at OffB and OffC of rows of BCStride; that of z to dz, at
// OffZ of rows of ZStride. Those of A, D and bias are added to dweights, packed as the
// weights are. The gradient of a complex number is that of its real part, then that of its
// imaginary part. dstate (Batch, Channels, States, 2) is the gradient of the initial
// states, nil if nobody wants it. The initial states are read from state, by slots, and
// stay; slots and state may be nil if Fresh is set, z and dz if HasZ is not. dbc, dz,
// dweights, dstate and scratch are buffers of their own; scratch has
// SelectiveScanComplexBackwardScratch(p) words.
//
// Packed sequences and modulation have no backward pass. Two runs give the same bits.
func (k *Kernels) SelectiveScanComplexBackward(p ComplexScanParams, u, delta, bc, z, weights, slots, state, dy, dbc, dz, dweights, dstate, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	c := check{kernel: "selective_scan_complex_backward"}
	p.check(&c, maxElements)
	c.unpacked(p.Packing)
	c.off("Modulated", p.Modulated)
	if c.err != nil {
		return nil, c.err
	}
	rows, width := p.Batch*p.Length, 2*p.Channels*p.States
	p.checkBackward(&c, u, delta, bc, z, weights, dy, dbc, dz, dweights)
	c.states(p.Fresh, p.Batch, width, slots, state, dstate)
	t := newBackTile(p.States)
	plan := t.plan(p.back(), k.bindingWords())
	c.words("scratch", size(scratch), plan.words)
	if c.err != nil {
		return nil, c.err
	}
	var list dispatches
	if !p.Fresh {
		list.add(k.GatherStates(GatherStatesParams{p.Batch, width}, slots, state, scratch))
	}
	buffers := []*wgpu.Buffer{u, bc, weights, delta, dy, scratch}
	if p.HasZ {
		buffers = append(buffers, z, dz)
	}
	list.add(k.dispatch(c.kernel, complexBackwardVariant{
		backTile: t, HasZ: p.HasZ, HasD: p.HasD, HasBias: p.HasBias, Softplus: p.Softplus, Fresh: p.Fresh, SharedA: p.SharedA,
	}, uniform(append([]any{p.Length, p.Channels, p.BCStride, p.OffB, p.OffC, p.ZStride, p.OffZ}, plan.uniform()...)...),
		[3]uint32{uint32(plan.side), uint32(p.Batch), 1}, buffers...))

	columns := PartColumnsParams{Parts: plan.side, Rows: rows, Width: 2 * p.States, PartStride: t.Columns(), OffParts: plan.sums, Stride: p.BCStride, OffOut: p.OffB}
	list.add(k.PartColumns(columns, scratch, dbc))
	columns.OffParts, columns.OffOut = plan.sums+2*p.States, p.OffC
	list.add(k.PartColumns(columns, scratch, dbc))
	list.copyStates(k, p.Batch, width, scratch, dstate)

	a := ColumnSumsParams{Rows: p.Batch, Columns: width, Stride: width, Offset: plan.a}
	if p.SharedA {
		a.Rows, a.Columns, a.Stride = p.Batch*p.Channels, 2*p.States, 2*p.States
	}
	list.add(k.columnSums(a, 1, true, scratch, dweights))
	if n := p.back().rest * p.Channels; n > 0 {
		list.add(k.columnSums(ColumnSumsParams{
			Rows: p.Batch, Columns: n, Stride: n, Offset: plan.rest, OffOut: p.WeightCount() - n,
		}, 1, true, scratch, dweights))
	}
	return list.done()
}

func (p ComplexScanParams) checkBackward(c *check, u, delta, bc, z, weights, dy, dbc, dz, dweights *wgpu.Buffer) {
	rows := p.Batch * p.Length
	c.words("u", size(u), rows*p.Channels)
	c.words("delta", size(delta), rows*p.Channels)
	c.words("bc", size(bc), p.bcWords())
	c.words("weights", size(weights), p.WeightCount())
	c.words("dy", size(dy), rows*p.Channels)
	c.words("dbc", size(dbc), p.bcWords())
	if p.HasZ {
		c.words("z", size(z), (rows-1)*p.ZStride+p.OffZ+p.Channels)
		c.words("dz", size(dz), (rows-1)*p.ZStride+p.OffZ+p.Channels)
	}
	c.words("dweights", size(dweights), p.WeightCount())
}

// SelectiveScanComplexBackwardScratch is the number of words of scratch that
// SelectiveScanComplexBackward needs.
func (k *Kernels) SelectiveScanComplexBackwardScratch(p ComplexScanParams) int {
	return newBackTile(p.States).plan(p.back(), k.bindingWords()).words
}

// copyStates puts the gradients of initial states, which lie first in scratch, where they
// are wanted.
func (d *dispatches) copyStates(k *Kernels, batch, width int, scratch, dstate *wgpu.Buffer) {
	if dstate != nil {
		d.add(k.PartColumns(PartColumnsParams{Parts: 1, Rows: batch, Width: width, PartStride: width, Stride: width}, scratch, dstate))
	}
}

func (p ComplexScanParams) back() backParams {
	b := backParams{batch: p.Batch, length: p.Length, channels: p.Channels}
	if p.HasD {
		b.rest++
	}
	if p.HasBias {
		b.rest++
	}
	return b
}
