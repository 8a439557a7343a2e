package cpu

import (
	"cmp"
	"math"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

// Cut finds the last token of each row of x (Rows, Stride) that may be drawn: of the
// TopK first by falling logit those that come first until their probability reaches
// TopP (arXiv 1904.09751); of equals the smallest ids come first:
//
//	order_i = (rank(x'[r,i]), ^i);  draws[r,9..10] = order of that token
//
// or zeros where all may be drawn, and where logits are not finite. peaks is what
// Peaks left. bins is cleared; list is not used.
func Cut(p shaders.ChoiceParams, x, peaks []float32, seen, draws, bins, _ []uint32) {
	parallel(p.Rows, 100*p.Width, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			c := rowOf(p, r, x, draws, seen, peaks)
			least := [2]uint32{}
			if list, last := c.cut(); last < len(list)-1 || c.draw.TopP < 1 && last >= 0 {
				least = orderOf(list[last].id, list[last].logit)
			}
			copy(draws[r*shaders.DrawWords+9:], least[:])
		}
	})
	clear(bins)
}

// candidate is a token that may be drawn.
type candidate struct {
	id    int
	logit float32
	mass  float64 // exp(-d), in proportion to its probability
}

// cut is the tokens that noise may bring to the front, in order, and the place of
// the last of them that may be drawn, -1 if logits are not finite.
func (c *choiceRow) cut() (list []candidate, last int) {
	peak, ok := c.peak()
	if !ok {
		return nil, -1
	}
	for i := range c.x {
		v := c.logit(i)
		if d := c.distance(peak, v); d < shaders.MaxReach {
			list = append(list, candidate{i, v, math.Exp(-float64(d))})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id))
	})
	n := len(list)
	if k := int(c.draw.TopK); k > 0 {
		n = min(n, k)
	}
	if c.draw.TopP < 1 {
		n = topP(list[:n], float64(c.draw.TopP))
	}
	return list, n - 1
}

// topP is the number of candidates up to the one that brings their probability to
// p.
func topP(list []candidate, p float64) int {
	total := 0.0
	for _, t := range list {
		total += t.mass
	}
	sum := 0.0
	for i, t := range list {
		if sum += t.mass; sum >= p*total {
			return i + 1
		}
	}
	return len(list)
}

// orderOf is greater, the first word before the second, for a token that comes
// first: of greater logits, of equal ones for smaller ids.
func orderOf(id int, v float32) [2]uint32 {
	bits := math.Float32bits(v)
	rank := bits | 1<<31
	if bits > 1<<31 {
		rank = 1<<31 - bits&^(1<<31)
	}
	return [2]uint32{rank, ^uint32(id)}
}

// mayDraw reports whether a cut leaves a token of an order.
func mayDraw(order, least [2]uint32) bool {
	return order[0] > least[0] || order[0] == least[0] && order[1] >= least[1]
}
