package cpu

import "github.com/mambagpu/mambagpu/shaders"

// SquareSums adds the squares of runs of SquareSumsPart elements:
//
//	parts[OffOut+i] = sum_j x[First+j]^2    i SquareSumsPart <= j < (i+1) SquareSumsPart, j < Count
//
// x is (First+Count), parts (OffOut+Parts).
func SquareSums(p shaders.SquareSumsParams, x, parts []float32) {
	parallel(p.Parts(), shaders.SquareSumsPart, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			first := i * shaders.SquareSumsPart
			var sum float64
			for _, v := range x[p.First+first : p.First+min(first+shaders.SquareSumsPart, p.Count)] {
				sum += float64(v) * float64(v)
			}
			parts[p.OffOut+i] = float32(sum)
		}
	})
}
