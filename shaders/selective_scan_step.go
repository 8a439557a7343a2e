package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SelectiveScanStep dispatches SelectiveScan for Length 1.
func (k *Kernels) SelectiveScanStep(p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.scan("selective_scan_step", 1, p, u, delta, bc, z, weights, slots, state, y)
}
