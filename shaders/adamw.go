package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// AdamWParams are the constants of one update of parameters by AdamW with decoupled
// weight decay (arXiv 1711.05101, alg. 2, as PyTorch's). With g = scale gradient:
//
//	m = Beta1 m + (1-Beta1) g
//	v = Beta2 v + (1-Beta2) g^2
//	parameter -= rate (WeightDecay parameter + first m / (sqrt(second v) + Eps))
//
// where rate, first, second and scale are words of control (ControlRate, ...). All
// arrays are updated from element First on. With a scale of 0, which stands for
// gradients that are not finite, they stay as they are.
type AdamWParams struct {
	First, Count int
	Beta1, Beta2 float64
	Eps          float64
	WeightDecay  float64
}

// AdamW dispatches the update of parameter, m and v (First+Count) by gradient
// (First+Count) and control (ControlWords).
func (k *Kernels) AdamW(p AdamWParams, gradient, control, parameter, m, v *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "adamw"}
	c.size("First", p.First, 0, maxElements)
	c.size("Count", p.Count, 1, maxElements)
	c.words("gradient", size(gradient), p.First+p.Count)
	c.words("control", size(control), ControlWords)
	c.words("parameter", size(parameter), p.First+p.Count)
	c.words("m", size(m), p.First+p.Count)
	c.words("v", size(v), p.First+p.Count)
	if c.err != nil {
		return nil, c.err
	}
	width := 1
	if p.First%4 == 0 && p.Count%4 == 0 {
		width = 4
	}
	params := uniform(p.First/width, p.Count/width, float32(p.Beta1), float32(1-p.Beta1),
		float32(p.Beta2), float32(1-p.Beta2), float32(p.Eps), float32(p.WeightDecay))
	return k.dispatch("adamw", elementsVariant{Vec: width == 4}, params, spread(ceilDiv(p.Count/width, 256)), gradient, control, parameter, m, v)
}

// elementsVariant is the variant of a kernel that takes elements one by one or four at
// a time.
type elementsVariant struct{ Vec bool }
