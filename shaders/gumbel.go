package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// Gumbel dispatches drawing by noise: scores (Rows, 3, Slices) gets the largest sum
// of a logit of x (Rows, Stride) over the temperature and its noise, of each slice.
// best is what Peaks left.
func (k *Kernels) Gumbel(p ChoiceParams, x, best, draws, seen, scores *wgpu.Buffer) (*wgpu.Dispatch, error) {
	s := p.best(scores)
	s.name = "scores"
	return k.choice("gumbel", p, p.sliceGrid(), []choiceBuffer{p.logits(x), p.best(best), p.draws(draws), p.seen(seen), s})
}
