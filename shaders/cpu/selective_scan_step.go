package cpu

import "github.com/mambagpu/mambagpu/shaders"

// SelectiveScanStep is SelectiveScan for one new token of every batch row:
// Length is taken as 1.
func SelectiveScanStep(p shaders.SelectiveScanParams, u, delta, bc, z, weights []float32, slots []uint32, state, y []float32) {
	p.Length = 1
	SelectiveScan(p, u, delta, bc, z, weights, slots, state, y)
}
