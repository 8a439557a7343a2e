package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Choose takes the best of each row's slices in scores (Rows, 3, Slices) as its
// token: the place of the largest, the smallest of equals, or Width if a slice has
// that. The token goes to ids (Rows), to row place % Ring of chosen (Ring, Rows)
// and into seen, and the place of draws moves on.
func Choose(p shaders.ChoiceParams, scores []float32, seen, draws, chosen, ids []uint32) {
	for r := range p.Rows {
		c := rowOf(p, r, nil, draws, seen, scores)
		b := best{place: -1}
		for s := range c.slices {
			if place := int(c.best[c.slices+s]); place == p.Width {
				b = best{place: p.Width}
				break
			} else {
				b.note(float64(c.best[s]), place)
			}
		}
		take(p, r, uint32(b.place), seen, draws, chosen, ids)
	}
}
