package cpu

import "github.com/mambagpu/mambagpu/shaders"

// PartColumns replaces columns of out by sums of several arrays' rows:
//
//	out[row*Stride + OffOut + i] = sum_p parts[OffParts + (p*Rows + row)*PartStride + i]
//
// with p < Parts, row < Rows and i < Width.
func PartColumns(p shaders.PartColumnsParams, parts, out []float32) {
	parallel(p.Rows, p.Parts*p.Width, func(lo, hi int) {
		for row := lo; row < hi; row++ {
			for i := range p.Width {
				var sum float64
				for q := range p.Parts {
					sum += float64(parts[p.OffParts+(q*p.Rows+row)*p.PartStride+i])
				}
				out[row*p.Stride+p.OffOut+i] = float32(sum)
			}
		}
	})
}
