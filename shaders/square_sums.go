package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SquareSumsParams are the sizes of sums of squares:
//
//	parts[OffOut+i] = sum_j x[First+j]^2    i SquareSumsPart <= j < (i+1) SquareSumsPart, j < Count
type SquareSumsParams struct {
	First, Count int
	OffOut       int
}

// SquareSumsPart is the number of elements that make one sum.
const SquareSumsPart = 8192

// Parts is the number of sums.
func (p SquareSumsParams) Parts() int { return ceilDiv(p.Count, SquareSumsPart) }

// SquareSums dispatches the sums of the squares of x (First+Count) into parts
// (OffOut+Parts). [Kernels.ClipScale] adds up the parts of all gradients.
func (k *Kernels) SquareSums(p SquareSumsParams, x, parts *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "square_sums"}
	c.size("First", p.First, 0, maxElements)
	c.size("Count", p.Count, 1, maxElements)
	c.size("OffOut", p.OffOut, 0, maxElements)
	c.words("x", size(x), p.First+p.Count)
	c.words("parts", size(parts), p.OffOut+p.Parts())
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("square_sums", nil, uniform(p.First, p.Count, p.OffOut), spread(p.Parts()), x, parts)
}
