package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SumParams are the sizes of one sum: out[OffOut] = sum_i x[First+i], i < Count.
type SumParams struct {
	First, Count int
	OffOut       int
}

// Sum dispatches the sum of x (First+Count) into out (OffOut+1). One workgroup adds
// all: it is for thousands of elements, such as losses, not for millions.
func (k *Kernels) Sum(p SumParams, x, out *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "sum"}
	c.size("First", p.First, 0, maxElements)
	c.size("Count", p.Count, 1, maxSum)
	c.size("OffOut", p.OffOut, 0, maxElements)
	c.words("x", size(x), p.First+p.Count)
	c.words("out", size(out), p.OffOut+1)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("sum", nil, uniform(p.First, p.Count, p.OffOut), [3]uint32{1, 1, 1}, x, out)
}

// maxSum bounds the elements of a Sum, so that no invocation takes more than 2^14
// steps.
const maxSum = 1 << 24
