package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// AdamW is one update of parameters by AdamW with decoupled weight decay (arXiv
// 1711.05101, alg. 2, as PyTorch's). With g = scale gradient:
//
//	m = Beta1 m + (1-Beta1) g
//	v = Beta2 v + (1-Beta2) g^2
//	parameter -= rate (decay parameter + first m / (sqrt(second v) + Eps))
//
// where rate, first, second and scale are words of control, and decay is WeightDecay in
// runs that decay and 0 in others. What is in no run stays as it is, and so does all with
// a scale of 0. runs is (Runs, 4), as [shaders.RunWords] has them, control (ControlWords);
// the others are (Elements).
func AdamW(p shaders.AdamWParams, runs []uint32, gradient, control, parameter, m, v []float32) {
	rate, scale := float64(control[shaders.ControlRate]), float64(control[shaders.ControlScale])
	first, second := float64(control[shaders.ControlFirst]), float64(control[shaders.ControlSecond])
	if scale == 0 {
		return
	}
	parallel(p.Runs, 10*shaders.RunLength, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			from, count, decay := int(runs[4*r]), int(runs[4*r+1]), 0.0
			if runs[4*r+2] != 0 {
				decay = p.WeightDecay
			}
			for i := from; i < from+count; i++ {
				g := scale * float64(gradient[i])
				mean := p.Beta1*float64(m[i]) + (1-p.Beta1)*g
				square := p.Beta2*float64(v[i]) + (1-p.Beta2)*g*g
				m[i], v[i] = float32(mean), float32(square)
				w := float64(parameter[i])
				step := decay*w + first*mean/(math.Sqrt(second*square)+p.Eps)
				parameter[i] = float32(w - rate*step)
			}
		}
	})
}
