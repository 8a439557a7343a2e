package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ArgmaxParams are the sizes of one search for the largest element of rows:
//
//	ids[t] = the smallest i < Width with x[t*Stride+i] = max_j<Width x[t*Stride+j]
//
// NaN elements are never chosen, though -Inf may be; the two zeros are equal. A
// row of nothing but NaN gives Width.
type ArgmaxParams struct {
	Rows   int
	Width  int // elements that take part
	Stride int // elements from one row to the next
}

// Argmax dispatches the search of the rows of x (Rows, Stride) into ids (Rows).
func (k *Kernels) Argmax(p ArgmaxParams, x, ids *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "argmax"}
	c.size("Rows", p.Rows, 1, maxElements)
	c.size("Width", p.Width, 1, p.Stride)
	c.words("x", size(x), (p.Rows-1)*p.Stride+p.Width)
	c.words("ids", size(ids), p.Rows)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("argmax", nil, uniform(p.Rows, p.Width, p.Stride), spread(p.Rows), x, ids)
}
