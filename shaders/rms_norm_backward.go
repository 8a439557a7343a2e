package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// RMSNormBackwardParams are the sizes of the gradients of [Kernels.RMSNorm]. With
// s[t] = 1 / sqrt(mean_j x[t,j]^2 + Eps) and g[t,i] = dy[t,i] weight[i]:
//
//	dx[t,i]     = s[t] (g[t,i] - x[t,i] s[t]^2 mean_j g[t,j] x[t,j])
//	dweight[i] += sum_t dy[t,i] x[t,i] s[t]
type RMSNormBackwardParams struct {
	Rows  int // tokens
	Width int // d_model, at most MaxNormBackwardWidth
	Eps   float32
	Add   bool // dx is added to, as the gradient of a residual stream is
}

// RMSNormBackward dispatches the gradients of the normalisation of x (Rows, Width)
// by weight (Width), given the gradient dy (Rows, Width) of its output: dx (Rows,
// Width), which replaces or is added, and dweight (Width), which is added. scratch
// has RMSNormBackwardScratch(p) words.
func (k *Kernels) RMSNormBackward(p RMSNormBackwardParams, x, weight, dy, dx, scratch, dweight *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	rows := p.rows()
	c := check{kernel: "rms_norm_backward"}
	rows.check(&c, x, weight, dy, dx, scratch)
	c.words("dweight", size(dweight), p.Width)
	if c.err != nil {
		return nil, c.err
	}
	first, err := k.dispatch(c.kernel, rows.variant(p.Add), rows.uniform(p.Eps), spread(rows.groups()), x, weight, dy, dx, scratch)
	if err != nil {
		return nil, err
	}
	return k.thenSums([]*wgpu.Dispatch{first}, scratch,
		partSums{Rows: rows.groups(), Columns: p.Width, Stride: p.Width, Sums: dweight})
}

// RMSNormBackwardScratch is the number of words of scratch that RMSNormBackward
// needs.
func (k *Kernels) RMSNormBackwardScratch(p RMSNormBackwardParams) int { return p.rows().scratch() }

func (p RMSNormBackwardParams) rows() normRows {
	return normRows{Rows: p.Rows, Width: p.Width, Sums: 1}
}
