package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SelectiveScanNaive is SelectiveScan without any sharing: an invocation walks
// time with all states of a channel. It is the first step of the ladder that
// ends in SelectiveScan, kept to measure the others by.
func (k *Kernels) SelectiveScanNaive(p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.scanStage("selective_scan_naive", 64, p, u, delta, bc, z, weights, slots, state, y)
}
