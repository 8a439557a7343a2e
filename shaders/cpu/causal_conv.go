package cpu

import "github.com/mambagpu/mambagpu/shaders"

// CausalConv filters each channel over time with its own Width weights:
//
//	y[b,t,e] = act(sum_k w[e,k] * x[b, t-Width+1+k, e] + bias[e])
//
// x is strided (B, L, E), weights are w (E, K) then bias (E), slots is (B),
// state (slots, E, K-1) and y (B, L, E). Inputs before the first come from
// the state, which then holds the last Width-1 inputs, oldest first. Halves rounds y as
// halves are.
func CausalConv(p shaders.CausalConvParams, x, weights []float32, slots []uint32, state, y []float32) {
	c := conv{p, x, weights, state}
	parallelChannels(p.Batch, p.Channels, p.Length*(3*p.Width+10), func(b, lo, hi int) {
		slot, first, rows := p.Sequence(slots, b, p.Length)
		for t := range rows {
			out := y[(first+t)*p.Channels:]
			for e := lo; e < hi; e++ {
				out[e] = stored(c.at(first, slot, t, e), p.Halves)
			}
		}
		for e := lo; e < hi; e++ {
			c.keep(first, rows, slot, e)
		}
	})
}

// stored is a number as an activation holds it: a float32, or a half.
func stored(v float64, halves bool) float32 {
	if halves {
		return shaders.RoundHalf(float32(v))
	}
	return float32(v)
}

// conv is one call's arguments.
type conv struct {
	p                 shaders.CausalConvParams
	x, weights, state []float32
}

// at is the output at time t of channel e of the sequence that starts at row
// first.
func (c conv) at(first, slot, t, e int) float64 {
	p := c.p
	w := c.weights[e*p.Width : (e+1)*p.Width] // (K)
	var sum float64
	for k, wk := range w {
		sum += float64(wk) * float64(c.input(first, slot, t-p.Width+1+k, e))
	}
	if p.Bias {
		sum += float64(c.weights[p.Channels*p.Width+e])
	}
	if p.SiLU {
		sum = silu(sum)
	}
	return sum
}

// input is the input at time t of channel e; the times -(Width-1) to -1 are
// the state's.
func (c conv) input(first, slot, t, e int) float32 {
	p := c.p
	switch {
	case t >= 0:
		return c.x[(first+t)*p.Stride+p.Offset+e]
	case p.Fresh:
		return 0
	}
	return c.state[(slot*p.Channels+e)*(p.Width-1)+p.Width-1+t]
}

// keep replaces the state of channel e by the last Width-1 inputs of its rows. An element
// moves towards the front, so ascending order reads each before it is
// replaced.
func (c conv) keep(first, rows, slot, e int) {
	old := c.p.Width - 1
	for i := range old {
		c.state[(slot*c.p.Channels+e)*old+i] = c.input(first, slot, rows-old+i, e)
	}
}
