package bench

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// poles is what A is made of: count complex numbers of which states belong
// together, then other values. Real parts stay negative, and the imaginary part
// of state n is about pi n, as the seed's layer starts (S4D-Lin).
func poles(name string, count, states, others int) array {
	a := floats(name, 2*count+others, -2, -0.5)
	a.form = func(i int, v float64) float64 {
		if i < 2*count && i%2 == 1 {
			return -0.8 * v * math.Pi * float64(i/2%states)
		}
		return v
	}
	return a
}

// complexScan is a complex selective scan of (batch, length, channels, states)
// with softplus, bias, D and gate; of one token the step is ready to use.
func complexScan(batch, length, channels, states int) kernelCase {
	p := shaders.ComplexScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 4 * states, OffC: 2 * states, ZStride: channels, HasZ: true, HasD: true,
	}
	kernel, delta := "selective_scan_complex_step", floats("delta", batch*channels, 0.001, 0.1)
	rows := batch * length
	if length > 1 {
		p.HasBias, p.Softplus = true, true
		kernel, delta = "selective_scan_complex", floats("delta", rows*channels, -4, -1)
	}
	c := single(kernel, []int{batch, length, channels, states}, p, []array{
		floats("u", rows*channels, -1, 1), delta,
		floats("bc", rows*p.BCStride, -1, 1), floats("z", rows*channels, -2, 2),
		poles("weights", channels*states, states, p.WeightCount()-2*channels*states),
		slots(batch), kept("state", 2*batch*channels*states), result("y", rows*channels),
	}, func() (any, []view) { return sampleComplexScan(p) })
	c.flops, c.rel = 16*float64(rows*channels*states), accumulated // of the state 6 multiply-adds, of y 2
	return c
}

// sampleComplexScan is some channels of the last sequence.
func sampleComplexScan(p shaders.ComplexScanParams) (any, []view) {
	b, e, n := p.Batch-1, p.Channels, p.States
	channels, steps, pairs := spread(e, sampledChannels), span((p.Batch-1)*p.Length, p.Length), span(0, 2*n)
	weights := append(grid(channels, 2*n, pairs), plus(2*e*n, channels)...)
	if p.HasBias {
		weights = append(weights, plus(2*e*n+e, channels)...)
	}
	dense := view{index: grid(steps, e, channels)}
	p.Batch, p.Channels, p.ZStride = 1, len(channels), len(channels)
	return p, []view{
		dense, dense, {index: grid(steps, p.BCStride, span(0, p.BCStride))}, dense,
		{index: weights}, {words: []uint32{0}}, {index: grid(plus(b*e, channels), 2*n, pairs)}, dense,
	}
}

// modulatedWidth is the number of columns of the seed's layer's s: a step, and
// what modulates A, B and C, up to a multiple of four.
func modulatedWidth(channels, states int) int {
	return shaders.Stride(shaders.F32, 1+states+2*channels)
}

// modulatedFlops is the operations on a state of one token: of the input's
// factor 2 multiply-adds, of the state 6, of y 2.
const modulatedFlops = 20

// modulatedScan is the scan of the seed's layer at (batch, length, channels,
// states).
func modulatedScan(batch, length, channels, states int) kernelCase {
	p := shaders.ModulatedScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		Stride: modulatedWidth(channels, states), OffB: 1 + states, OffC: 1 + states + channels,
	}
	kernel := "modulated_scan"
	if length == 1 {
		kernel = "modulated_scan_step"
	}
	rows := batch * length
	c := single(kernel, []int{batch, length, channels, states}, p, []array{
		floats("u", rows*channels, -1, 1),
		floats("cells", 4*rows*states, -0.6, 0.6), // a factor of the state of at most 0.85
		floats("s", rows*p.Stride, -1, 1), floats("weights", p.WeightCount(), -1, 1),
		slots(batch), kept("state", 2*batch*channels*states), result("y", rows*channels),
	}, func() (any, []view) { return sampleModulatedScan(p) })
	c.bytes -= 4 * float64(rows*(p.Stride-2*channels)) // the step and A's factors, which discretize reads
	c.flops, c.rel = modulatedFlops*float64(rows*channels*states), accumulated
	return c
}

// sampleModulatedScan is some channels of the last sequence.
func sampleModulatedScan(p shaders.ModulatedScanParams) (any, []view) {
	b, e, n := p.Batch-1, p.Channels, p.States
	channels, steps, every := spread(e, sampledChannels), span((p.Batch-1)*p.Length, p.Length), span(0, n)
	weights := append(grid(channels, n, every), plus(e*n, grid(channels, n, every))...)
	weights = append(weights, plus(2*e*n, channels)...)
	dense := view{index: grid(steps, e, channels)}
	modulations := view{index: grid(steps, p.Stride, append(plus(p.OffB, channels), plus(p.OffC, channels)...))}
	p.Batch, p.Channels = 1, len(channels)
	p.Stride, p.OffB, p.OffC = 2*len(channels), 0, len(channels)
	return p, []view{
		dense, {index: grid(steps, 4*n, span(0, 4*n))}, modulations, {index: weights},
		{words: []uint32{0}}, {index: grid(plus(b*e, channels), 2*n, span(0, 2*n))}, dense,
	}
}

// discretizeChannels is d_inner of the layer out of whose s discretize reads.
const discretizeChannels = 1024

// discretize is the hold of (rows, states) as the seed's layer calls it.
func discretize(rows, states int) kernelCase {
	p := shaders.DiscretizeParams{
		Rows: rows, States: states, Stride: modulatedWidth(discretizeChannels, states), OffMod: 1, Softplus: true, Modulated: true,
	}
	c := single("discretize", []int{rows, states}, p, []array{
		floats("s", rows*p.Stride, -4, -1), poles("a", states, states, 0), result("cells", 4*rows*states),
	}, func() (any, []view) {
		some := spread(rows, 16*sampledRows)
		q := p
		q.Rows, q.Stride = len(some), 1+states
		return q, []view{
			{index: grid(some, p.Stride, span(0, 1+states))}, {index: span(0, 2*states)}, {index: grid(some, 4*states, span(0, 4*states))},
		}
	})
	c.bytes -= 4 * float64(rows*(p.Stride-1-states)) // what modulates B and C
	// Of delta A and m Abar 2 products each; of phi a difference and a complex
	// product with 1/A, 6 more.
	c.flops = 11 * float64(rows*states)
	return c
}
