package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ModulatedScanStep dispatches ModulatedScan for Length 1.
func (k *Kernels) ModulatedScanStep(p ModulatedScanParams, u, cells, s, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.modulatedScan("modulated_scan_step", 1, p, u, cells, s, weights, slots, state, y)
}
