package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// MaxMatvecRows is the largest M that Matvec takes.
const MaxMatvecRows = 8

// Matvec dispatches the product of Matmul for 1 to MaxMatvecRows rows of a.
func (k *Kernels) Matvec(p MatmulParams, a, w, bias, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check("matvec", MaxMatvecRows, a, w, bias, c); err != nil {
		return nil, err
	}
	check := check{kernel: "matvec"}
	check.off("SiLU", p.SiLU)
	check.off("Add", p.Add)
	if check.err != nil {
		return nil, check.err
	}
	v := matvecVariant{Rows: p.M, Lanes: matvecLanes(p.N, p.K), Weights: p.Weights.String(), Bias: p.Bias, Vec: p.aligned()}
	v.Columns = 128 / v.Lanes
	return k.dispatch("matvec", v, p.uniform(), spread(ceilDiv(p.N, v.Columns)), a, w, orElse(bias, w), c)
}

// matvecLanes shares each row of w among more invocations, up to the whole
// workgroup of 128, while there are too few workgroups to fill a large GPU and
// the row is long enough to share.
func matvecLanes(n, k int) int {
	lanes := 16
	for lanes < 128 && n*lanes < 1024*128 && k >= 16*lanes {
		lanes *= 2
	}
	return lanes
}
