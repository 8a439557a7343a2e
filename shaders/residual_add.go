package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ResidualAddParams is the size of one addition in place: r[i] += x[i].
type ResidualAddParams struct {
	Count int
}

// ResidualAdd dispatches the addition of x (Count) to r (Count).
func (k *Kernels) ResidualAdd(p ResidualAddParams, r, x *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "residual_add"}
	c.size("Count", p.Count, 1, maxElements)
	c.words("r", size(r), p.Count)
	c.words("x", size(x), p.Count)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("residual_add", nil, uniform(p.Count), spread(ceilDiv(p.Count, 256)), r, x)
}
