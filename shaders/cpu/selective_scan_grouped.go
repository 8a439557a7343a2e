package cpu

import "github.com/mambagpu/mambagpu/shaders"

// SelectiveScanGrouped is SelectiveScan: the two kernels differ in how they go
// about it.
func SelectiveScanGrouped(p shaders.SelectiveScanParams, u, delta, bc, z, weights []float32, slots []uint32, state, y []float32) {
	SelectiveScan(p, u, delta, bc, z, weights, slots, state, y)
}
