package cpu

import "github.com/mambagpu/mambagpu/shaders"

// GatherStates copies states out of their slots:
//
//	out[b,i] = state[slots[b],i]
//
// slots is (B), state (slots, Width) and out (B, Width).
func GatherStates(p shaders.GatherStatesParams, slots []uint32, state, out []float32) {
	for b := range p.Batch {
		copy(out[b*p.Width:(b+1)*p.Width], state[int(slots[b])*p.Width:])
	}
}
