package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// LogDecays makes a selective scan's weights of those that are trained (arXiv
// 2312.00752, as the reference parametrises A):
//
//	out[i] = -exp(log[i])    i < Channels States
//	out[i] = log[i]          of the Rest others
func LogDecays(p shaders.LogDecaysParams, log, out []float32) {
	copy(out[:p.Words()], log[:p.Words()])
	for i, v := range log[:p.Channels*p.States] {
		out[i] = float32(-math.Exp(float64(v)))
	}
}
