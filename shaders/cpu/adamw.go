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
//	parameter -= rate (WeightDecay parameter + first m / (sqrt(second v) + Eps))
//
// where rate, first, second and scale are words of control; with a scale of 0 all stays as
// it is. The arrays are (First+Count), control is (ControlWords).
func AdamW(p shaders.AdamWParams, gradient, control, parameter, m, v []float32) {
	rate, scale := float64(control[shaders.ControlRate]), float64(control[shaders.ControlScale])
	first, second := float64(control[shaders.ControlFirst]), float64(control[shaders.ControlSecond])
	if scale == 0 {
		return
	}
	parallel(p.Count, 10, func(lo, hi int) {
		for i := p.First + lo; i < p.First+hi; i++ {
			g := scale * float64(gradient[i])
			mean := p.Beta1*float64(m[i]) + (1-p.Beta1)*g
			square := p.Beta2*float64(v[i]) + (1-p.Beta2)*g*g
			m[i], v[i] = float32(mean), float32(square)
			w := float64(parameter[i])
			step := p.WeightDecay*w + first*mean/(math.Sqrt(second*square)+p.Eps)
			parameter[i] = float32(w - rate*step)
		}
	})
}
