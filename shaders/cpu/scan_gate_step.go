package cpu

import "github.com/mambagpu/mambagpu/shaders"

// ScanGateStep is the second part of a step of a Mamba block after an InProjStep with
// Split:
//
//	(dt, B, C) = sum_g parts[g]              (R + 2N)
//	d = softplus(W_dt dt + bias)             (E)
//	h = exp(d A) . h + (d u) B               (E, N)
//	y = sum_n h C + D u                      (E)
//	gate = silu(W_z x)                       (E)
//
// parts (groups, B, R+2N padded to fours), then x (B, d), as planes for W_in, and its
// factors (B); wdt (E, R), weights A (E, N), D (E), bias (E), slots (B), w (2E, d), of
// which the second half is W_z, u (B, E), state (slots, E, N); yz (B, 2, E), y and the
// gate as planes for W_out.
func ScanGateStep(p shaders.ScanGateStepParams, parts, wdt, weights []float32, slots []uint32, w, u, state, yz []float32) {
	e, d := p.Channels, p.Width
	x := parts[p.PartsCount()-p.Rows*d-4:]
	factors := x[p.Rows*d:]
	uz, y := make([]float32, p.Rows*2*e), make([]float32, p.Rows*e)
	for b := range p.Rows {
		copy(uz[b*2*e:], u[b*e:(b+1)*e])
	}
	recurrence(shaders.DtScanStepParams{
		Rows: p.Rows, Channels: e, Rank: p.Rank, States: p.States, Groups: p.Groups,
	}, uz, parts, wdt, weights, slots, state, func(row, channel int, sum float64) {
		y[row*e+channel] = float32(sum)
	})
	row := make([]float64, d)
	for b := range p.Rows {
		for i := range row {
			row[i] = float64(x[b*d+shaders.Plane(p.Weights, d, i)])
		}
		out := yz[b*2*e:]
		parallel(e, d, func(lo, hi int) {
			for n := lo; n < hi; n++ {
				at := shaders.Plane(p.OutWeights, e, n)
				out[at] = y[b*e+n]
				out[e+at] = float32(silu(dot(w[(e+n)*d:(e+n+1)*d], row) * float64(factors[b])))
			}
		})
	}
}
