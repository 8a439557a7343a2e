package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// GatherStatesParams are the sizes of a copy of states out of their slots, as the
// kernels of a backward pass read them:
//
//	out[b,i] = state[slots[b],i]
type GatherStatesParams struct {
	Batch int // sequences
	Width int // numbers of a state
}

// GatherStates dispatches the copy of the states of slots (Batch) out of state (slots,
// Width) into out (Batch, Width).
func (k *Kernels) GatherStates(p GatherStatesParams, slots, state, out *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "gather_states"}
	c.size("Batch", p.Batch, 1, maxAxis)
	c.size("Width", p.Width, 1, maxAxis*256)
	c.words("slots", size(slots), p.Batch)
	c.words("state", size(state), p.Width)
	c.words("out", size(out), p.Batch*p.Width)
	if c.err != nil {
		return nil, c.err
	}
	grid := [3]uint32{uint32(ceilDiv(p.Width, 256)), uint32(p.Batch), 1}
	return k.dispatch("gather_states", nil, uniform(p.Width), grid, slots, state, out)
}
