package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// Gumbel finds the largest score of each slice of 1024 of each row, and its place:
//
//	score_i = noise_i - d_i,  d_i = (max_j x'[r,j] - x'[r,i]) / temperature <= reach
//
// The token of a row's largest score is drawn with probability softmax(-d) over the
// tokens within reach (of min p, arXiv 2407.01082) that Cut leaves. peaks is what Peaks left; of a slice without such tokens the
// score is the least float, and of a row that is not finite 0 at place Width.
func Gumbel(p shaders.ChoiceParams, x, peaks []float32, draws, seen []uint32, scores []float32) {
	parallel(p.Rows, 50*p.Width, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			c := rowOf(p, r, x, draws, seen, peaks)
			out := rowOf(p, r, x, draws, seen, scores)
			peak, ok := c.peak()
			key := noiseKey(c.draw)
			least := [2]uint32(draws[r*shaders.DrawWords+9:])
			for s := range c.slices {
				b := best{place: -1}
				c.slice(s, func(i int) {
					v := c.logit(i)
					if d := c.distance(peak, v); ok && d <= c.draw.Reach && mayDraw(orderOf(i, v), least) {
						b.note(noise(key, i)-float64(d), i)
					}
				})
				switch {
				case !ok:
					b = best{0, p.Width}
				case b.place < 0:
					b = best{-math.MaxFloat32, p.Width + 1}
				}
				out.put(s, b)
			}
		}
	})
}
