package cpu

import "github.com/mambagpu/mambagpu/shaders"

// ScanRows sums the parts of the gradients of a block's B and C, which groups of channels
// have left in scratch, in the order of the groups:
//
//	dbc[row*BCStride + OffB + n] = sum over groups of part [group][row][0][n]
//	dbc[row*BCStride + OffC + n] = sum over groups of part [group][row][1][n]
func ScanRows(p shaders.ScanBlockParams, scratch, dbc []float32) {
	rows := p.Batch * p.Length
	parallel(rows, 2*p.Here()*p.Groups(), func(lo, hi int) {
		for row := lo; row < hi; row++ {
			for kind, off := range []int{p.OffB, p.OffC} {
				for n := range p.Here() {
					var sum float64
					for group := range p.Groups() {
						sum += float64(scratch[p.RowsAt()+((group*rows+row)*2+kind)*p.Block()+n])
					}
					dbc[row*p.BCStride+off+p.First+n] = float32(sum)
				}
			}
		}
	})
}
