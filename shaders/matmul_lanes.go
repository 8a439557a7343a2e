package shaders

import "github.com/mambagpu/mambagpu/wgpu"

type matmulLanesVariant struct {
	laneSums
	Bias, Add bool
}

// MatmulLanes dispatches the product of Matmul for up to MaxLaneRows rows of a, whose sums
// are shared by neighbouring invocations. [MatmulLanesFits] says which it takes.
func (k *Kernels) MatmulLanes(p MatmulParams, a, w, bias, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check("matmul_lanes", MaxLaneRows, a, w, bias, c); err != nil {
		return nil, err
	}
	check := check{kernel: "matmul_lanes"}
	check.off("SiLU", p.SiLU)
	if check.off("rows that are not whole vectors, or too many", !laneFits(p.M, p.N, p.K, p.LDA, p.OffA)); check.err != nil {
		return nil, check.err
	}
	v := matmulLanesVariant{laneSums: newLaneSums(p.M, p.N, p.K, p.Weights), Bias: p.Bias, Add: p.Add}
	v.LDA, v.OffA = p.LDA, p.OffA
	return k.dispatch("matmul_lanes", v, uniform(p.M, p.LDC, p.OffC, p.OffBias), v.grid(p.M), a, w, orElse(bias, w), c)
}

// MatmulLanesFits reports whether MatmulLanes takes a product.
func MatmulLanesFits(p MatmulParams) bool {
	return !p.SiLU && laneFits(p.M, p.N, p.K, p.LDA, p.OffA)
}
