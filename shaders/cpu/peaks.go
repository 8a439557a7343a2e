package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Peaks finds the largest logit of each slice of 1024 of each row:
//
//	best[r,0,s] = max_i x'[r,i],  best[r,1,s] = the smallest such i
//
// x' is x (Rows, Stride) with the repetition penalty for tokens of seen. A slice
// with a NaN or an infinity gives 0 at place Width.
func Peaks(p shaders.ChoiceParams, x []float32, draws, seen []uint32, out []float32) {
	parallel(p.Rows, p.Width, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			c := rowOf(p, r, x, draws, seen, out)
			for s := range c.slices {
				b, bad := best{place: -1}, false
				c.slice(s, func(i int) {
					v := c.logit(i)
					bad = bad || !finite(v)
					b.note(float64(v), i)
				})
				if bad {
					b = best{0, p.Width}
				}
				c.put(s, b)
			}
		}
	})
}

// slice calls f with the places of slice s.
func (c *choiceRow) slice(s int, f func(i int)) {
	width := len(c.x)
	for i := s * 1024; i < min((s+1)*1024, width); i++ {
		f(i)
	}
}

// put makes b the best of slice s.
func (c *choiceRow) put(s int, b best) {
	c.best[s], c.best[c.slices+s], c.best[2*c.slices+s] = float32(b.value), float32(b.place), 0
}
