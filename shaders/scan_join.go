package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ScanJoin dispatches the second stage of the backward pass of a selective scan: it
// replaces what ScanEnds left of each chunk by the states before it and the gradients of
// those after it. dstate is written unless it is nil; slots and state may be nil if Fresh
// is set.
func (k *Kernels) ScanJoin(p ScanBlockParams, weights, slots, state, scratch, dstate *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "scan_join"}
	p.check(&c)
	if c.err != nil {
		return nil, c.err
	}
	c.words("weights", size(weights), p.WeightCount())
	p.checkStates(&c, slots, state, dstate)
	c.words("scratch", size(scratch), p.RowsAt())
	if c.err != nil {
		return nil, c.err
	}
	return k.scanJoin(p, weights, slots, state, scratch, dstate)
}

func (k *Kernels) scanJoin(p ScanBlockParams, weights, slots, state, scratch, dstate *wgpu.Buffer) (*wgpu.Dispatch, error) {
	buffers := []*wgpu.Buffer{weights, scratch}
	if !p.Fresh {
		buffers = append(buffers, slots, state)
	}
	if dstate != nil {
		buffers = append(buffers, dstate)
	}
	grid := [3]uint32{uint32(p.Groups()), uint32(p.Batch), uint32(2 * p.Here())}
	return k.dispatch("scan_join", p.variant(dstate), p.uniform(), grid, buffers...)
}
