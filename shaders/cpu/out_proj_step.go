package cpu

import "github.com/mambagpu/mambagpu/shaders"

// OutProjStep is the last part of a step of a Mamba block after a ScanGateStep:
//
//	c[m,n] += sum_k y[m,k] gate[m,k] w[n,k]
//
// yz is (B, 2, E), y and the gate as planes, w (d, E), c (B, d). With Next the rows c . gain
// (B, d), as planes for NextWeights, and c go to next (2, B, d).
func OutProjStep(p shaders.OutProjStepParams, yz, w, c, gain, next []float32) {
	e := p.Channels
	x := make([]float64, e)
	for m := range p.Rows {
		row, out := yz[m*2*e:], c[m*p.Width:]
		for k := range x {
			at := shaders.Plane(p.Weights, e, k)
			x[k] = float64(row[at]) * float64(row[e+at])
		}
		parallel(p.Width, e, func(lo, hi int) {
			for n := lo; n < hi; n++ {
				out[n] = float32(float64(out[n]) + dot(w[n*e:(n+1)*e], x))
			}
		})
		if p.Next {
			for n, v := range out[:p.Width] {
				next[m*p.Width+shaders.Plane(p.NextWeights, p.Width, n)] = v * gain[n]
				next[(p.Rows+m)*p.Width+n] = v
			}
		}
	}
}
