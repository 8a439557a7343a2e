package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SelectiveScanStep dispatches SelectiveScan for Length 1.
func (k *Kernels) SelectiveScanStep(p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "selective_scan_step"}
	p.check(&c, 1)
	c.unpacked(p.Packing)
	c.off("Halves", p.Halves)
	p.checkBuffers(&c, u, delta, bc, z, weights, slots, state, y)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("selective_scan_step", p.variant(), p.uniform(), p.grid(16), u, delta, bc, orElse(z, u), weights, slots, state, y)
}
