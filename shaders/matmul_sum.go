package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// MatmulSumParams are the sizes of the end of a matrix product whose sums were
// split:
//
//	x[m,n] = sum_z parts[z,m,n]
//	c[m*LDC+OffC+n] = act(x[m,n] + bias[OffBias+n]) + c[m*LDC+OffC+n]
//
// with the switches of [MatmulParams].
type MatmulSumParams struct {
	M, N      int
	Parts     int
	LDC, OffC int
	Bias      bool
	OffBias   int
	SiLU      bool
	Add       bool
}

// MatmulSum dispatches the sum of parts (Parts, M, N), in their order, into c
// (M, N). bias (OffBias+N) may be nil if Bias is not set.
func (k *Kernels) MatmulSum(p MatmulSumParams, parts, bias, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	check := check{kernel: "matmul_sum"}
	check.size("M", p.M, 1, maxElements)
	check.size("N", p.N, 1, maxElements)
	check.size("Parts", p.Parts, 1, maxElements)
	check.words("parts", size(parts), p.Parts*p.M*p.N)
	if p.Bias {
		check.size("OffBias", p.OffBias, 0, maxElements)
		check.words("bias", size(bias), p.OffBias+p.N)
	}
	check.operand("C", size(c), p.M, p.N, p.LDC, p.OffC, false, false)
	if check.err != nil {
		return nil, check.err
	}
	v := struct{ Bias, SiLU, Add bool }{p.Bias, p.SiLU, p.Add}
	params := uniform(p.M, p.N, p.Parts, p.LDC, p.OffC, p.OffBias)
	return k.dispatch("matmul_sum", v, params, spread(ceilDiv(p.M*p.N, 128)), parts, orElse(bias, parts), c)
}
