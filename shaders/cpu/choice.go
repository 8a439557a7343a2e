package cpu

import (
	"math"
	"math/bits"

	"github.com/mambagpu/mambagpu/shaders"
)

// choiceRow is a row of logits from which a token is chosen.
type choiceRow struct {
	draw    shaders.Draw
	x       []float32 // (Width)
	seen    []uint32  // bits, nil without penalty
	slices  int
	best    []float32 // (3, slices)
	penalty bool
}

// rowOf is row r of the buffers of a choice.
func rowOf(p shaders.ChoiceParams, r int, x []float32, draws, seen []uint32, best []float32) choiceRow {
	c := choiceRow{draw: drawOf(r, draws), slices: p.Slices(), penalty: p.Penalty}
	if x != nil {
		c.x = x[r*p.Stride:][:p.Width]
	}
	if p.Penalty {
		n := p.Seen() / p.Rows
		c.seen = seen[r*n : (r+1)*n]
	}
	n := 3 * c.slices
	c.best = best[r*n : (r+1)*n]
	return c
}

func drawOf(r int, draws []uint32) shaders.Draw {
	return shaders.DrawOf(draws[r*shaders.DrawWords:][:shaders.DrawWords])
}

// logit is element i with the repetition penalty (arXiv 1909.05858, section 4.1):
// positive logits of tokens seen are divided by it, others multiplied.
func (c *choiceRow) logit(i int) float32 {
	v := c.x[i]
	if !c.penalty || c.seen[i/32]>>(i%32)&1 == 0 || !finite(v) {
		return v
	}
	factor := c.draw.Raise
	if v > 0 {
		factor = c.draw.Lower
	}
	return max(-math.MaxFloat32, min(v*factor, math.MaxFloat32))
}

func finite(v float32) bool { return v-v == 0 }

// peak is the row's largest logit. ok says that all are finite.
func (c *choiceRow) peak() (v float32, ok bool) {
	v = -math.MaxFloat32
	for s := range c.slices {
		if int(c.best[c.slices+s]) == len(c.x) {
			return 0, false
		}
		v = max(v, c.best[s])
	}
	return v, true
}

// distance is how far a logit lies below the peak, in temperatures. It is rounded
// as the kernels round it, so that bins and limits agree.
func (c *choiceRow) distance(peak, v float32) float32 {
	half := float32(0.5*peak - 0.5*v)
	return half * c.draw.Steepness
}

// noiseKey is what the noise of a draw depends on beside the token: 64 bits of
// seed and place.
func noiseKey(d shaders.Draw) [2]uint32 {
	low, high := uint32(d.Seed), uint32(d.Seed>>32)
	return [2]uint32{scramble(scramble(scramble(low)^high) + d.Place), scramble(scramble(scramble(high+0x9e3779b9)^low) ^ d.Place)}
}

// noise is a standard Gumbel number, -log(-log(u)), of a token: the token of the
// largest noise - distance is one drawn by softmax (Gumbel 1954; arXiv 1611.01144).
func noise(key [2]uint32, i int) float64 {
	h := scramble(scramble(uint32(i)+key[0]) ^ key[1])
	if bits.Len32(h) > 24 {
		h &^= 0xff // what a float holds exactly
	}
	v := (float32(h) + 0.5) * (1.0 / (1 << 32))
	return -math.Log(-math.Log1p(-float64(v)))
}

// scramble spreads the bits of a word over the whole of it (Wellons, "triple32").
func scramble(h uint32) uint32 {
	h = (h ^ h>>17) * 0xed5ad4bb
	h = (h ^ h>>11) * 0xac4c1b51
	h = (h ^ h>>15) * 0x31848bab
	return h ^ h>>14
}

// take makes id the token of row r.
func take(p shaders.ChoiceParams, r int, id uint32, seen, draws, chosen, ids []uint32) {
	place := &draws[r*shaders.DrawWords]
	chosen[int(*place)%p.Ring*p.Rows+r] = id
	ids[r] = id
	*place++
	if p.Penalty && int(id) < p.Width {
		seen[r*p.Seen()/p.Rows+int(id)/32] |= 1 << (id % 32)
	}
}

// best is the largest value noted and its place, the first of equals.
type best struct {
	value float64
	place int // -1 for none
}

func (b *best) note(value float64, place int) {
	if b.place < 0 || value > b.value || value == b.value && place < b.place {
		b.value, b.place = value, place
	}
}
