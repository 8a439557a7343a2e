package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SelectiveScanTiled is SelectiveScan in tiles of 16 channels x 8 state lanes
// that share B and C through workgroup memory, each loaded when the one before is
// done. It is the second step of the ladder that ends in SelectiveScan, kept to
// measure it by.
func (k *Kernels) SelectiveScanTiled(p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.scanStage("selective_scan_tiled", 16, p, u, delta, bc, z, weights, slots, state, y)
}

// scanStage dispatches an earlier form of selective_scan, with workgroups of
// the given number of channels. These forms have an A for each channel, and
// neither modulation nor packing.
func (k *Kernels) scanStage(kernel string, channels int, p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: kernel}
	p.check(&c, maxElements)
	c.unpacked(p.Packing)
	c.off("Halves", p.Halves)
	c.off("SharedA", p.SharedA)
	c.off("Modulated", p.Modulated)
	p.checkBuffers(&c, u, delta, bc, z, weights, slots, state, y)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch(kernel, p.tiledVariant(), p.uniform(), p.grid(channels),
		u, delta, bc, orElse(z, u), weights, slots, state, y)
}

// tiledVariant has the longest tile, of at most 16 steps, that keeps within the
// 16 KiB that every device has. A step takes d and d u of 16 channels, B and C,
// and 16 rows of 9 parts.
func (p SelectiveScanParams) tiledVariant() scanVariant {
	v := p.variant()
	v.Buffers = 1
	for v.Steps = 16; ; v.Steps /= 2 {
		if v.Memory = 4 * v.Steps * (2*16 + 2*p.States + 9*16); v.Memory <= 16<<10 {
			return v
		}
	}
}
