package cpu

import "github.com/mambagpu/mambagpu/shaders"

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
