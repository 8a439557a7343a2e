package cpu

import "github.com/mambagpu/mambagpu/shaders"

// ModulatedScanStep is ModulatedScan for one new token of every batch row:
// Length is taken as 1.
func ModulatedScanStep(p shaders.ModulatedScanParams, u, cells, s, weights []float32, slots []uint32, state, y []float32) {
	p.Length = 1
	ModulatedScan(p, u, cells, s, weights, slots, state, y)
}
