package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ScanEnds dispatches the first stage of the backward pass of a selective scan: into
// scratch what each chunk does to the states, from its first row to its last, and to
// their gradients, from its last to its first, and the sums of its steps.
func (k *Kernels) ScanEnds(p ScanBlockParams, u, delta, bc, z, weights, dy, scratch *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "scan_ends"}
	p.check(&c)
	if c.err != nil {
		return nil, c.err
	}
	p.checkInputs(&c, u, delta, bc, z, weights, dy)
	c.words("scratch", size(scratch), p.RowsAt())
	if c.err != nil {
		return nil, c.err
	}
	return k.scanEnds(p, u, delta, bc, z, weights, dy, scratch)
}

func (k *Kernels) scanEnds(p ScanBlockParams, u, delta, bc, z, weights, dy, scratch *wgpu.Buffer) (*wgpu.Dispatch, error) {
	buffers := []*wgpu.Buffer{u, delta, bc, weights, dy, scratch}
	if p.HasZ {
		buffers = append(buffers, z)
	}
	return k.dispatch("scan_ends", p.variant(nil), p.uniform(), p.grid(), buffers...)
}
