package cpu

import "github.com/mambagpu/mambagpu/shaders"

// CausalConvStep is CausalConv for one new input of every batch row: Length
// is taken as 1.
func CausalConvStep(p shaders.CausalConvParams, x, weights []float32, slots []uint32, state, y []float32) {
	p.Length = 1
	CausalConv(p, x, weights, slots, state, y)
}
