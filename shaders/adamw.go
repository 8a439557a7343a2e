package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// AdamWParams are the constants of one update of parameters by AdamW with decoupled
// weight decay (arXiv 1711.05101, alg. 2, as PyTorch's). With g = scale gradient:
//
//	m = Beta1 m + (1-Beta1) g
//	v = Beta2 v + (1-Beta2) g^2
//	parameter -= rate (decay parameter + first m / (sqrt(second v) + Eps))
//
// where rate, first, second and scale are words of control (ControlRate, ...), and decay
// is WeightDecay in runs that decay and 0 in others. What is in no run stays as it is,
// and so does all with a scale of 0, which stands for gradients that are not finite.
type AdamWParams struct {
	Runs         int  // of at most RunLength elements
	Elements     int  // of the arrays, in which all runs lie
	Aligned      bool // what AlignedRuns says of the runs
	Beta1, Beta2 float64
	Eps          float64
	WeightDecay  float64
}

// AdamW dispatches the update of parameter, m and v (Elements each) in the runs (Runs, 4),
// as [RunWords] has them, by gradient (Elements) and control (ControlWords).
func (k *Kernels) AdamW(p AdamWParams, runs, gradient, control, parameter, m, v *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "adamw"}
	c.size("Runs", p.Runs, 1, maxRuns)
	c.size("Elements", p.Elements, 1, maxElements)
	c.words("runs", size(runs), 4*p.Runs)
	c.words("gradient", size(gradient), p.Elements)
	c.words("control", size(control), ControlWords)
	c.words("parameter", size(parameter), p.Elements)
	c.words("m", size(m), p.Elements)
	c.words("v", size(v), p.Elements)
	if c.err != nil {
		return nil, c.err
	}
	width := 1
	if p.Aligned {
		width = 4
	}
	params := uniform(p.Runs, float32(p.Beta1), float32(1-p.Beta1),
		float32(p.Beta2), float32(1-p.Beta2), float32(p.Eps), float32(p.WeightDecay))
	grid := spread(p.Runs * RunLength / (256 * width))
	return k.dispatch("adamw", elementsVariant{Vec: p.Aligned}, params, grid, runs, gradient, control, parameter, m, v)
}

// elementsVariant is the variant of a kernel that takes elements one by one or four at
// a time.
type elementsVariant struct{ Vec bool }
