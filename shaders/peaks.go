package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// Peaks dispatches the search for the largest logit of each slice of x (Rows,
// Stride), with the repetition penalty, into best (Rows, 3, Slices): its value, its
// place, and room for what [Kernels.Histogram] adds.
func (k *Kernels) Peaks(p ChoiceParams, x, draws, seen, best *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.choice("peaks", p, p.sliceGrid(), []choiceBuffer{p.logits(x), p.draws(draws), p.seen(seen), p.best(best)})
}
