package cpu

import "github.com/mambagpu/mambagpu/shaders"

// SelectiveScanComplexStep is SelectiveScanComplex for one new token of every
// batch row: Length is taken as 1.
func SelectiveScanComplexStep(p shaders.ComplexScanParams, u, delta, bc, z, weights []float32, slots []uint32, state, y []float32) {
	p.Length = 1
	SelectiveScanComplex(p, u, delta, bc, z, weights, slots, state, y)
}
