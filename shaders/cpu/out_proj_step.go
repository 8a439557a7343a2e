package cpu

import "github.com/mambagpu/mambagpu/shaders"

// OutProjStep is the last part of a step of a Mamba block after a ScanGateStep:
//
//	c[m,n] += sum_k y[m,k] gate[m,k] w[n,k]
//
// yz is (B, 2, E), y and the gate as planes, w (d, E), c (B, d). With Next the row c . gain
// (d), as planes for NextWeights, goes to next (d), (sums), and sums of c's squares.
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
			makeReady(p, out[:p.Width], gain, next)
		}
	}
}

// makeReady writes c . gain, as planes, and the sums of c's squares.
func makeReady(p shaders.OutProjStepParams, c, gain, next []float32) {
	sums := make([]float64, p.Squares())
	for n, v := range c {
		next[shaders.Plane(p.NextWeights, p.Width, n)] = v * gain[n]
		sums[n/p.Run()] += float64(v) * float64(v)
	}
	for i, sum := range sums {
		next[p.Width+i] = float32(sum)
	}
}
