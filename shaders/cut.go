package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// Cut dispatches the search for the last token of each row of x (Rows, Stride) that
// top k and top p let be drawn, for [Kernels.Gumbel] to find in draws. best and bins
// are what Peaks and Histogram left; bins is cleared. list (Rows, Width) is scratch.
func (k *Kernels) Cut(p ChoiceParams, x, best, seen, draws, bins, list *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.choice("cut", p, p.rowGrid(), []choiceBuffer{
		p.logits(x), p.best(best), p.seen(seen), p.draws(draws), {"bins", bins, p.Bins()}, {"list", list, p.Rows * p.Width},
	})
}
