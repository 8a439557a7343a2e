package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// Histogram dispatches adding to bins (Rows, 2, HistogramBins) how many tokens of x
// (Rows, Stride) lie how far below the row's best, and with what probability. best
// is what Peaks left, and gets the sums of slices.
func (k *Kernels) Histogram(p ChoiceParams, x, draws, seen, best, bins *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.choice("histogram", p, p.sliceGrid(), []choiceBuffer{
		p.logits(x), p.draws(draws), p.seen(seen), p.best(best), {"bins", bins, p.Bins()},
	})
}
