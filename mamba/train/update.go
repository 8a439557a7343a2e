package train

import "github.com/mambagpu/mambagpu/shaders"

// Words of activations.control beside those of [shaders.ControlWords].
const (
	controlLoss  = shaders.ControlWords // sum of losses
	controlWords = controlLoss + 1
)

// clearGradients prepares for the first batch of a step.
func (n *network[A]) clearGradients(s operations[A]) {
	for _, a := range n.arenas {
		s.clear(a.gradient)
	}
}

// update takes all parameters on by their gradients, and reports.
func (n *network[A]) update(s operations[A], o *Options) {
	act := &n.act
	for _, a := range n.arenas {
		s.squareSums(a.squares(), a.table, a.gradient, act.sums)
	}
	s.clipScale(shaders.ClipScaleParams{Parts: n.sums(), MaxNorm: float32(o.Clip)}, act.sums, act.control)
	for _, a := range n.arenas {
		s.adamW(a.adamW(o), a.table, a.gradient, act.control, a.value, a.m, a.v)
	}
	s.copy(act.report, 0, act.control, 0, controlWords)
	s.copy(act.report, controlWords, act.sums, 0, n.sums())
}

// sums is the number of sums of squares.
func (n *network[A]) sums() int {
	last := n.arenas[len(n.arenas)-1]
	return last.firstSum + len(last.runs)
}
