package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Argmax finds the largest element of each row:
//
//	ids[t] = the smallest i < Width with x[t*Stride+i] = max_j<Width x[t*Stride+j]
//
// NaN elements are never chosen; a row of nothing but NaN gives Width. x is
// strided (Rows, Width), ids is (Rows).
func Argmax(p shaders.ArgmaxParams, x []float32, ids []uint32) {
	parallel(p.Rows, p.Width, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			ids[t] = argmax(x[t*p.Stride : t*p.Stride+p.Width])
		}
	})
}

// argmax is the index of the first of the largest elements of row, or its
// length if no element is a number. Until one has been met, best is -1.
func argmax(row []float32) uint32 {
	best := -1
	for i, v := range row {
		isNumber := v == v
		if isNumber && (best < 0 || v > row[best]) {
			best = i
		}
	}
	if best < 0 {
		return uint32(len(row))
	}
	return uint32(best)
}
