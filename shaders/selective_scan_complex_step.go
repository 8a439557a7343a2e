package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SelectiveScanComplexStep dispatches SelectiveScanComplex for Length 1.
func (k *Kernels) SelectiveScanComplexStep(p ComplexScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.complexScan("selective_scan_complex_step", 1, p, u, delta, bc, z, weights, slots, state, y)
}
