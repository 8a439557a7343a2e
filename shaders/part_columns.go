package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// PartColumnsParams are the sizes of sums of several arrays' rows, which replace
// columns of a wider array:
//
//	out[row*Stride + OffOut + i] = sum_p parts[OffParts + (p*Rows + row)*PartStride + i]
//
// with p < Parts, row < Rows and i < Width, added in the order of p.
type PartColumnsParams struct {
	Parts, Rows, Width   int
	PartStride, OffParts int
	Stride, OffOut       int
}

// PartColumns dispatches the sums of parts into Width columns of out.
func (k *Kernels) PartColumns(p PartColumnsParams, parts, out *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "part_columns"}
	c.size("Parts", p.Parts, 1, maxAxis)
	c.size("Rows", p.Rows, 1, maxElements)
	c.size("Width", p.Width, 1, maxElements)
	c.size("PartStride", p.PartStride, p.Width, maxElements)
	c.size("OffParts", p.OffParts, 0, maxElements)
	c.size("OffOut", p.OffOut, 0, p.Stride-p.Width)
	c.words("parts", size(parts), p.OffParts+(p.Parts*p.Rows-1)*p.PartStride+p.Width)
	c.words("out", size(out), (p.Rows-1)*p.Stride+p.OffOut+p.Width)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("part_columns", nil,
		uniform(p.Parts, p.Rows, p.Width, p.PartStride, p.OffParts, p.Stride, p.OffOut),
		spread(ceilDiv(p.Rows*p.Width, 256)), parts, out)
}
