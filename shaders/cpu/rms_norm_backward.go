package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// RMSNormBackward is the gradients of [RMSNorm]. With s[t] = 1 / sqrt(mean_j
// x[t,j]^2 + Eps) and g[t,i] = dy[t,i] weight[i]:
//
//	dx[t,i]     = s[t] (g[t,i] - x[t,i] s[t]^2 mean_j g[t,j] x[t,j])
//	dweight[i] += sum_t dy[t,i] x[t,i] s[t]
//
// x, dy and dx are (Rows, Width), weight and dweight (Width). With Add dx is added to.
func RMSNormBackward(p shaders.RMSNormBackwardParams, x, weight, dy, dx, dweight []float32) {
	width := float64(p.Width)
	scales := make([]float64, p.Rows)
	parallel(p.Rows, 4*p.Width, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			in, grad := x[t*p.Width:(t+1)*p.Width], dy[t*p.Width:(t+1)*p.Width]
			var squares, products float64
			for i, v := range in {
				squares += float64(v) * float64(v)
				products += float64(grad[i]) * float64(weight[i]) * float64(v)
			}
			s := 1 / math.Sqrt(squares/width+float64(p.Eps))
			scales[t] = s
			along := s * s * products / width
			for i, v := range in {
				g := float64(grad[i]) * float64(weight[i])
				put(&dx[t*p.Width+i], s*(g-float64(v)*along), p.Add)
			}
		}
	})
	addColumns(p.Rows, p.Width, dweight, func(t, i int) float64 {
		return float64(dy[t*p.Width+i]) * float64(x[t*p.Width+i]) * scales[t]
	})
}

// put replaces an element, or adds to it.
func put(to *float32, v float64, add bool) {
	if add {
		v += float64(*to)
	}
	*to = float32(v)
}

// addColumns adds to each sum those of its column over the rows, in their order.
func addColumns(rows, columns int, sums []float32, at func(r, i int) float64) {
	const block = 16 // a cache line
	parallel((columns+block-1)/block, 2*rows*block, func(lo, hi int) {
		for first := lo * block; first < min(hi*block, columns); first += block {
			var total [block]float64
			width := min(block, columns-first)
			for r := range rows {
				for i := range width {
					total[i] += at(r, first+i)
				}
			}
			for i := range width {
				put(&sums[first+i], total[i], true)
			}
		}
	})
}
