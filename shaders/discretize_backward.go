package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// DiscretizeBackwardRows is the number of rows whose parts of A's gradient are summed
// before those of others are added. It is a literal of the shader too.
const DiscretizeBackwardRows = 64

// DiscretizeBackward dispatches the gradients of [Kernels.Discretize], to be run in order,
// given dcells (Rows, States, 4), that of the cells: of the real and the imaginary part of
// m Abar, then of phi.
//
// ds, laid out as s, gets those of the step, before softplus, and if Modulated is set of m's
// numbers, before the sigmoid. What that of a is is added to da, laid out as a. ds, da and
// scratch are buffers of their own; scratch has DiscretizeBackwardScratch(p) words. Two runs
// give the same bits.
func (k *Kernels) DiscretizeBackward(p DiscretizeParams, s, a, dcells, ds, da, scratch *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	c := check{kernel: "discretize_backward"}
	p.check(&c)
	c.words("s", size(s), p.words())
	c.words("a", size(a), 2*p.States)
	c.words("dcells", size(dcells), 4*p.Rows*p.States)
	c.words("ds", size(ds), p.words())
	c.words("da", size(da), 2*p.States)
	c.words("scratch", size(scratch), k.DiscretizeBackwardScratch(p))
	if c.err != nil {
		return nil, c.err
	}
	groups := ceilDiv(p.Rows, DiscretizeBackwardRows)
	var list dispatches
	list.add(k.dispatch(c.kernel, discretizeVariant{p.Softplus, p.Modulated, p.Log},
		uniform(p.Rows, p.States, p.Stride, p.OffDelta, p.OffMod, groups), spread(groups), s, a, dcells, ds, scratch))
	list.add(k.columnSums(ColumnSumsParams{Rows: groups, Columns: 2 * p.States, Stride: 2 * p.States}, 1, true, scratch, da))
	return list.done()
}

// DiscretizeBackwardScratch is the number of words of scratch that DiscretizeBackward
// needs.
func (k *Kernels) DiscretizeBackwardScratch(p DiscretizeParams) int {
	return ceilDiv(p.Rows, DiscretizeBackwardRows) * 2 * p.States
}
