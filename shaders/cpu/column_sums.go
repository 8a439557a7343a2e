package cpu

import "github.com/mambagpu/mambagpu/shaders"

// ColumnSums adds the sums of the columns of x:
//
//	sums[OffOut+n] += sum_r x[r*Stride+Offset+n]
//
// with r < Rows and n < Columns, as the gradient of a bias that was added to every
// row is summed.
func ColumnSums(p shaders.ColumnSumsParams, x, sums []float32) {
	parallel(p.Columns, p.Rows, func(lo, hi int) {
		total := make([]float64, hi-lo)
		for r := range p.Rows {
			for n, v := range x[r*p.Stride+p.Offset+lo : r*p.Stride+p.Offset+hi] {
				total[n] += float64(v)
			}
		}
		for n, v := range total {
			sums[p.OffOut+lo+n] += float32(v)
		}
	})
}
