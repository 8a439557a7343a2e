package train

import "github.com/mambagpu/mambagpu/shaders"

// Words of activations.control beside those of [shaders.ControlWords].
const (
	controlLoss  = shaders.ControlWords // sum of losses
	controlWords = controlLoss + 1
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
		for _, p := range w.parts {
			s.squareSums(p.squares(), w.gradient, act.sums)
		}
	}
	s.clipScale(shaders.ClipScaleParams{Parts: n.sums(), MaxNorm: float32(o.Clip)}, act.sums, act.control)
	for _, w := range n.weights {
		for _, r := range w.ranges() {
			p := shaders.AdamWParams{
				First: r.first, Count: r.count,
				Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Eps,
			}
			if r.decays {
				p.WeightDecay = o.WeightDecay
			}
			s.adamW(p, w.gradient, act.control, w.value, w.m, w.v)
		}
	}
	s.copy(act.report, 0, act.control, 0, controlWords)
	s.copy(act.report, controlWords, act.sums, 0, n.sums())
}

// sums is the number of sums of squares.
func (n *network[A]) sums() int {
	parts := n.weights[len(n.weights)-1].parts
	last := parts[len(parts)-1].squares()
	return last.OffOut + last.Parts()
}
