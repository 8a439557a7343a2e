package cpu

import "github.com/mambagpu/mambagpu/shaders"

// flowParts are the parts of a flow (shaders.StepFlow) as numbers.
type flowParts struct{ out, x, residual, uz []float32 }

func partsOf(f shaders.StepFlow, flow []float32) flowParts {
	rest := len(flow) - f.Width - 2*f.Channels // the sums
	return flowParts{flow[:f.Width], flow[f.Width:rest], flow[rest:][:f.Width], flow[rest+f.Width:]}
}

// FlowInStep is the first half of a step of a Mamba block of one sequence, with what it
// computes in next, a flow:
//
//	a = residual + out_proj's sums                   (d) of the flow before, or with First given
//	x = a / sqrt(mean a^2 + Eps) . gain              (d)
//	(u, z) = W_in x                                  (2E)
//	u = silu(sum_k conv[e,k] past[e,k] + conv_bias)  past = state, then u
//	x_proj's sums += W_x u                           (R+2N)
//
// The other arrays are those of InProjStep.
func FlowInStep(p shaders.FlowInStepParams, before, w, small []float32, slots []uint32, wx, state, next []float32) {
	a := before
	if !p.First {
		b := partsOf(p.Flow(), before)
		a = make([]float32, p.Width)
		for i := range a {
			a[i] = b.residual[i] + b.out[i]
		}
	}
	out := partsOf(p.Flow(), next)
	copy(out.residual, a)
	step := shaders.InProjStepParams{
		Rows: 1, Width: p.Width, Channels: p.Channels, Taps: p.Taps, Outputs: p.Outputs, Group: p.Group, Eps: p.Eps, ConvBias: p.ConvBias,
	}
	parts := make([]float32, step.PartsCount())
	InProjStep(step, a, w, small, slots, wx, state, out.uz, parts)
	for i := range p.Outputs {
		sum := float64(out.x[i])
		for g := range step.Groups() {
			sum += float64(parts[g*step.PartsStride()+i])
		}
		out.x[i] = float32(sum)
	}
}
