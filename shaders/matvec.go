package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// MaxMatvecRows is the largest M that Matvec takes.
const MaxMatvecRows = 8

type matvecVariant struct {
	rowDots
	Bias, Add bool
}

// Matvec dispatches the product of Matmul for 1 to MaxMatvecRows rows of a.
func (k *Kernels) Matvec(p MatmulParams, a, w, bias, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check("matvec", MaxMatvecRows, a, w, bias, c); err != nil {
		return nil, err
	}
	check := check{kernel: "matvec"}
	check.off("SiLU", p.SiLU)
	check.off("TransA", p.TransA)
	check.off("TransW", p.TransW)
	check.size("LDW", p.LDW, 0, 0)
	if check.err != nil {
		return nil, check.err
	}
	v := matvecVariant{
		rowDots: rowShape{p.M, p.N, p.K, p.Weights, false}.choose(), Bias: p.Bias, Add: p.Add,
	}
	v.LDA, v.OffA = p.LDA, p.OffA
	v.Vec = p.K%4 == 0 && p.LDA%4 == 0 && p.OffA%4 == 0
	return k.dispatch("matvec", v, uniform(p.LDC, p.OffC, p.OffBias), spread(ceilDiv(p.N, v.Columns)), a, w, orElse(bias, w), c)
}
