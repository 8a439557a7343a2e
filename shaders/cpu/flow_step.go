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

// FlowOutStep is the second half of a step of a Mamba block of one sequence, from and to a
// flow:
//
//	(dt, B, C) = x_proj's sums               (R + 2N)
//	d = softplus(W_dt dt + bias)             (E)
//	h = exp(d A) . h + (d u) B               (E, N)
//	y = (sum_n h C + D u) silu(z)            (E)
//	out_proj's sums += W_out y               (d)
//
// wdt is (E, R), weights A (E, N), then D (E), then bias (E), slots (1), state (slots, E, N),
// w (d, E).
func FlowOutStep(p shaders.FlowOutStepParams, flow, wdt, weights []float32, slots []uint32, state, w []float32) {
	parts, e := partsOf(p.Flow(), flow), p.Channels
	y := make([]float64, e)
	recurrence(shaders.DtScanStepParams{
		Rows: 1, Channels: e, Rank: p.Rank, States: p.States, Groups: 1,
	}, parts.uz, parts.x, wdt, weights, slots, state, func(_, i int, sum float64) {
		y[i] = sum * silu(float64(parts.uz[e+i]))
	})
	for n := range p.Width {
		parts.out[n] = float32(float64(parts.out[n]) + dot(w[n*e:(n+1)*e], y))
	}
}

// FlowEnd is the end of a step: the residual (d) is that of the last layer's flow plus
// out_proj's sums, and the sums of all flows, those of even layers and those of odd ones,
// are zero again.
func FlowEnd(p shaders.FlowEndParams, even, odd []float32, residual []float32) {
	n := p.Flow.Numbers()
	for i := range p.Layers {
		parts := partsOf(p.Flow, [][]float32{even, odd}[i%2][i/2*n:][:n])
		if i == p.Layers-1 {
			for k := range residual {
				residual[k] = parts.residual[k] + parts.out[k]
			}
		}
		clear(parts.out)
		clear(parts.x)
	}
}
