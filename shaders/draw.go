package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// Draw dispatches drawing a token of each row of x (Rows, Stride) among those that
// top k, top p and reach leave. best and bins are what Peaks and Histogram left;
// bins is cleared. list (Rows, Width) is scratch.
func (k *Kernels) Draw(p ChoiceParams, x, best, seen, draws, bins, list, chosen, ids *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.choice("draw", p, p.rowGrid(), []choiceBuffer{
		p.logits(x), p.best(best), p.seen(seen), p.draws(draws), {"bins", bins, p.Bins()},
		{"list", list, p.Rows * p.Width}, p.chosen(chosen), p.ids(ids),
	})
}
