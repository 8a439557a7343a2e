package cpu

import "github.com/mambagpu/mambagpu/shaders"

// SquareSums adds the squares of runs of elements:
//
//	parts[OffOut+r] = sum_j x[j]^2    j in run r
//
// runs is (Runs, 4), as [shaders.RunWords] has them, x (Elements), parts (OffOut+Runs).
func SquareSums(p shaders.SquareSumsParams, runs []uint32, x, parts []float32) {
	parallel(p.Runs, shaders.RunLength, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			first, count := int(runs[4*r]), int(runs[4*r+1])
			var sum float64
			for _, v := range x[first : first+count] {
				sum += float64(v) * float64(v)
			}
			parts[p.OffOut+r] = float32(sum)
		}
	})
}
