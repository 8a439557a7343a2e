package cpu

import "github.com/mambagpu/mambagpu/shaders"

// ResidualAdd adds in place: r[i] += x[i] for i < Count.
func ResidualAdd(p shaders.ResidualAddParams, r, x []float32) {
	parallel(p.Count, 1, func(lo, hi int) {
		x := x[lo:hi]
		for i := range r[lo:hi] {
			r[lo+i] += x[i]
		}
	})
}
