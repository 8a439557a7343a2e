package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// LogDecaysBackward dispatches the gradients of [Kernels.LogDecays], added to dlog
// (Words), from those of its output, dweights (Words), and that output, weights
// (Words):
//
//	dlog[i] += dweights[i] weights[i]    i < Channels States: A = -exp(A_log) is its own derivative
//	dlog[i] += dweights[i]               of the others
func (k *Kernels) LogDecaysBackward(p LogDecaysParams, weights, dweights, dlog *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "log_decays_backward"}
	p.check(&c)
	c.words("weights", size(weights), p.Words())
	c.words("dweights", size(dweights), p.Words())
	c.words("dlog", size(dlog), p.Words())
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch(c.kernel, nil, p.uniform(), p.grid(), weights, dweights, dlog)
}
