package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// Choose dispatches taking the best of each row's slices in best (Rows, 3, Slices)
// as its token.
func (k *Kernels) Choose(p ChoiceParams, best, seen, draws, chosen, ids *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.choice("choose", p, p.rowGrid(), []choiceBuffer{
		p.best(best), p.seen(seen), p.draws(draws), p.chosen(chosen), p.ids(ids),
	})
}
