package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// CausalConvStep dispatches CausalConv for Length 1.
func (k *Kernels) CausalConvStep(p CausalConvParams, x, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check("causal_conv_step", 1, x, weights, slots, state, y); err != nil {
		return nil, err
	}
	grid := [3]uint32{uint32(ceilDiv(p.Channels, 64)), uint32(p.Batch), 1}
	return k.dispatch("causal_conv_step", p.variant(), p.uniform(), grid, x, weights, slots, state, y)
}
