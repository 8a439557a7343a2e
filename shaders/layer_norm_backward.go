package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// LayerNormBackwardParams are the sizes of the gradients of [Kernels.LayerNorm].
// With n[t,i] = (x[t,i] - mean_j x[t,j]) s[t], s[t] = 1 / sqrt(var_j x[t,j] + Eps)
// and g[t,i] = dy[t,i] weight[i]:
//
//	dx[t,i]     = s[t] (g[t,i] - mean_j g[t,j] - n[t,i] mean_j g[t,j] n[t,j])
//	dweight[i] += sum_t dy[t,i] n[t,i]
//	dbias[i]   += sum_t dy[t,i]
type LayerNormBackwardParams struct {
	Rows  int // tokens
	Width int // d_model, at most MaxNormBackwardWidth
	Eps   float32
	Add   bool // dx is added to, as the gradient of a residual stream is
}

// LayerNormBackward dispatches the gradients of the normalisation of x (Rows,
// Width) by weight (Width) and a bias, given the gradient dy (Rows, Width) of its
// output: dx (Rows, Width), which replaces or is added, dweight and dbias (Width),
// which are added. scratch has LayerNormBackwardScratch(p) words.
func (k *Kernels) LayerNormBackward(p LayerNormBackwardParams, x, weight, dy, dx, scratch, dweight, dbias *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	rows := p.rows()
	c := check{kernel: "layer_norm_backward"}
	rows.check(&c, x, weight, dy, dx, scratch)
	c.words("dweight", size(dweight), p.Width)
	c.words("dbias", size(dbias), p.Width)
	if c.err != nil {
		return nil, c.err
	}
	first, err := k.dispatch(c.kernel, rows.variant(p.Add), rows.uniform(p.Eps), spread(rows.groups()), x, weight, dy, dx, scratch)
	if err != nil {
		return nil, err
	}
	return k.thenSums([]*wgpu.Dispatch{first}, scratch,
		partSums{Rows: rows.groups(), Columns: p.Width, Stride: 2 * p.Width, Sums: dweight},
		partSums{Rows: rows.groups(), Columns: p.Width, Stride: 2 * p.Width, Offset: p.Width, Sums: dbias})
}

// LayerNormBackwardScratch is the number of words of scratch that
// LayerNormBackward needs.
func (k *Kernels) LayerNormBackwardScratch(p LayerNormBackwardParams) int { return p.rows().scratch() }

func (p LayerNormBackwardParams) rows() normRows {
	return normRows{Rows: p.Rows, Width: p.Width, Sums: 2}
}
