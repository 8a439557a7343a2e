package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// MaxMatvecRows is the largest M that Matvec takes.
const MaxMatvecRows = 8

// Matvec dispatches the product of Matmul for 1 to MaxMatvecRows rows of a.
func (k *Kernels) Matvec(p MatmulParams, a, w, bias, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check("matvec", MaxMatvecRows, a, w, bias, c); err != nil {
		return nil, err
	}
	v := p.variant()
	v.Rows = p.M
	return k.dispatch("matvec", v, p.uniform(), spread(ceilDiv(p.N, 8)), a, w, orElse(bias, w), c)
}
