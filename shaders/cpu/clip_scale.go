package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// ClipScale is the norm of all gradients and what it takes to bring it down to MaxNorm,
// as in PyTorch's clip_grad_norm_:
//
//	norm = sqrt(sum_i parts[i])
//	control[ControlScale] = min(1, MaxNorm / (norm + 1e-6)), 1 if MaxNorm is 0
//	control[ControlNorm] = norm
//
// The scale of a norm that is not finite is 0.
//
// parts is (Parts), control (ControlWords).
func ClipScale(p shaders.ClipScaleParams, parts, control []float32) {
	var sum float64
	for _, v := range parts[:p.Parts] {
		sum += float64(v)
	}
	norm, scale := math.Sqrt(sum), 1.0
	if p.MaxNorm > 0 {
		scale = math.Min(1, float64(p.MaxNorm)/(norm+1e-6))
	}
	if !(float32(norm) <= math.MaxFloat32) {
		scale = 0
	}
	control[shaders.ControlScale] = float32(scale)
	control[shaders.ControlNorm] = float32(norm)
}
