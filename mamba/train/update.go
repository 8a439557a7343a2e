package train

import "github.com/mambagpu/mambagpu/shaders"

// The words of activations.control. The first eight are those that clip_scale and
// adam_w know.
const (
	controlRate  = 0 // learning rate
	controlFirst = 1 // 1 / (1 - Beta1^step)
	controlNext  = 2 // 1 / (1 - Beta2^step)
	controlScale = 3 // what clipping makes of gradients
	controlNorm  = 4 // of all gradients
	controlLoss  = 8 // sum of losses
	controlWords = 12
)

// clearGradients prepares for the first batch of a step.
func (n *network[A]) clearGradients(s operations[A]) {
	for _, w := range n.weights {
		s.clear(w.gradient)
	}
}

// update takes all parameters on by their gradients, and reports.
func (n *network[A]) update(s operations[A], o *Options) {
	act := &n.act
	for _, w := range n.weights {
		s.squareSums(shaders.SquareSumsParams{Count: w.words, OffOut: w.firstSum}, w.gradient, act.sums)
	}
	s.clipScale(shaders.ClipScaleParams{Parts: n.sums(), MaxNorm: float32(o.Clip)}, act.sums, act.control)
	for _, w := range n.weights {
		for _, r := range w.ranges() {
			p := shaders.AdamWParams{
				First: r.first, Count: r.count,
				Beta1: float32(o.Beta1), Beta2: float32(o.Beta2), Eps: float32(o.Eps),
			}
			if r.decays {
				p.WeightDecay = float32(o.WeightDecay)
			}
			s.adamW(p, w.gradient, act.control, w.value, w.m, w.v)
		}
	}
	s.copy(act.report, 0, act.control, 0, controlWords)
	s.copy(act.report, controlWords, act.sums, 0, n.sums())
}

// sums is the number of sums of squares.
func (n *network[A]) sums() int {
	last := n.weights[len(n.weights)-1]
	return last.firstSum + last.countSums
}
