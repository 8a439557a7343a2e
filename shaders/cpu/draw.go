package cpu

import (
	"cmp"
	"math"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

// Draw draws a token of each row of x (Rows, Stride) among the most probable: the
// TopK first by falling logit, of those the first whose probability reaches TopP
// (arXiv 1904.09751), of those the ones within Reach (of min p, arXiv 2407.01082);
// of equals the smallest ids:
//
//	id = argmax_i noise_i - d_i,  d_i = (max_j x'[r,j] - x'[r,i]) / temperature
//
// The token goes where Choose puts it. peaks is what Peaks left. bins is cleared;
// list is not used.
func Draw(p shaders.ChoiceParams, x, peaks []float32, seen, draws, bins, _ []uint32, chosen, ids []uint32) {
	drawn := make([]uint32, p.Rows)
	parallel(p.Rows, 100*p.Width, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			c := rowOf(p, r, x, draws, seen, peaks)
			drawn[r] = c.drawn()
		}
	})
	for r, id := range drawn {
		take(p, r, id, seen, draws, chosen, ids)
	}
	clear(bins)
}

// candidate is a token that may be drawn.
type candidate struct {
	id       int
	logit    float32
	distance float32
}

func (c *choiceRow) drawn() uint32 {
	peak, ok := c.peak()
	if !ok {
		return uint32(len(c.x))
	}
	key, b := noiseKey(c.draw), best{place: -1}
	for _, t := range c.survivors(c.candidates(peak)) {
		b.note(noise(key, t.id)-float64(t.distance), t.id)
	}
	return uint32(b.place)
}

// candidates are the tokens that noise may bring to the front, in the order of
// their probability.
func (c *choiceRow) candidates(peak float32) []candidate {
	var list []candidate
	for i := range c.x {
		v := c.logit(i)
		if d := c.distance(peak, v); d < shaders.MaxReach {
			list = append(list, candidate{i, v, d})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id))
	})
	return list
}

// survivors are the candidates that top k, top p and reach leave, in this order.
func (c *choiceRow) survivors(list []candidate) []candidate {
	if k := int(c.draw.TopK); k > 0 && k < len(list) {
		list = list[:k]
	}
	if c.draw.TopP < 1 {
		list = topP(list, float64(c.draw.TopP))
	}
	n := len(list)
	for n > 1 && list[n-1].distance > c.draw.Reach {
		n--
	}
	return list[:n]
}

// topP is the candidates up to the one that brings their probability to p.
func topP(list []candidate, p float64) []candidate {
	total := 0.0
	for _, t := range list {
		total += math.Exp(-float64(t.distance))
	}
	sum := 0.0
	for i, t := range list {
		if sum += math.Exp(-float64(t.distance)); sum >= p*total {
			return list[:i+1]
		}
	}
	return list
}
