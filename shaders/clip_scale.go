package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ClipScaleParams are what the gradients' common scale depends on, as in PyTorch's
// clip_grad_norm_:
//
//	norm = sqrt(sum_i parts[i])
//	control[ControlScale] = min(1, MaxNorm / (norm + 1e-6)), 1 if MaxNorm is 0
//	control[ControlNorm] = norm
//
// The scale of a norm that is not finite is 0, by which [Kernels.AdamW] leaves all as
// it is.
type ClipScaleParams struct {
	Parts   int // of all gradients, by [Kernels.SquareSums]
	MaxNorm float32
}

// ClipScale dispatches the norm of the gradients and their scale from parts (Parts)
// into control (ControlWords), whose other words stay as they are.
func (k *Kernels) ClipScale(p ClipScaleParams, parts, control *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "clip_scale"}
	c.size("Parts", p.Parts, 1, maxElements)
	c.words("parts", size(parts), p.Parts)
	c.words("control", size(control), ControlWords)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("clip_scale", nil, uniform(p.Parts, p.MaxNorm), [3]uint32{1, 1, 1}, parts, control)
}
