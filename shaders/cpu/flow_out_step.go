package cpu

import "github.com/mambagpu/mambagpu/shaders"

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
