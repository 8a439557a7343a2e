package cpu

import "github.com/mambagpu/mambagpu/shaders"

// LogDecaysBackward adds the gradients of [LogDecays] to dlog. weights is its output,
// dweights that output's gradient:
//
//	dlog[i] += dweights[i] weights[i]    i < Channels States: A = -exp(A_log) is its own derivative
//	dlog[i] += dweights[i]               of the Rest others
func LogDecaysBackward(p shaders.LogDecaysParams, weights, dweights, dlog []float32) {
	decays := p.Channels * p.States
	for i, d := range dweights[:p.Words()] {
		slope := 1.0
		if i < decays {
			slope = float64(weights[i])
		}
		put(&dlog[i], float64(d)*slope, true)
	}
}
