package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Sum is out[OffOut] = sum_i x[First+i], i < Count.
func Sum(p shaders.SumParams, x, out []float32) {
	var sum float64
	for _, v := range x[p.First : p.First+p.Count] {
		sum += float64(v)
	}
	out[p.OffOut] = float32(sum)
}
