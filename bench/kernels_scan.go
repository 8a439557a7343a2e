package bench

import "github.com/mambagpu/mambagpu/shaders"

// sampledChannels is the number of channels that a twin of a scan or of a
// convolution computes, over the whole length of the last sequence.
const sampledChannels = 8

// scan is a selective scan of (batch, length, channels, states) as the
// reference was timed, with softplus, bias, D and gate; of one token as in
// decoding, where the step is ready to use.
func scan(batch, length, channels, states int) kernelCase {
	p := shaders.SelectiveScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 2 * states, OffC: states, ZStride: channels, HasZ: true, HasD: true,
	}
	kernel, delta := "selective_scan_step", floats("delta", batch*channels, 0.001, 0.1)
	rows := batch * length
	if length > 1 {
		p.HasBias, p.Softplus = true, true
		kernel, delta = "selective_scan", floats("delta", rows*channels, -4, -1)
	}
	c := single(kernel, []int{batch, length, channels, states}, p, []array{
		floats("u", rows*channels, -1, 1), delta,
		floats("bc", rows*p.BCStride, -1, 1), floats("z", rows*channels, -2, 2),
		floats("weights", p.WeightCount(), -2, -0.5),
		slots(batch), kept("state", batch*channels*states), result("y", rows*channels),
	}, func() (any, []view) { return sampleScan(p) })
	c.flops, c.rel = 6*float64(rows*channels*states), accumulated
	return c
}

// scanBy is the scan by an earlier kernel of the ladder.
func scanBy(kernel string, batch, length, channels, states int) kernelCase {
	c := scan(batch, length, channels, states)
	c.name, c.steps[0].kernel = kernel, kernel
	return c
}

// sampleScan is some channels of the last sequence.
func sampleScan(p shaders.SelectiveScanParams) (any, []view) {
	b, e, n := p.Batch-1, p.Channels, p.States
	channels, steps := spread(e, sampledChannels), span((p.Batch-1)*p.Length, p.Length)
	weights := grid(channels, n, span(0, n))
	weights = append(weights, plus(e*n, channels)...)
	if p.HasBias {
		weights = append(weights, plus(e*n+e, channels)...)
	}
	dense := view{index: grid(steps, e, channels)}
	p.Batch, p.Channels, p.ZStride = 1, len(channels), len(channels)
	return p, []view{
		dense, dense, {index: grid(steps, p.BCStride, span(0, p.BCStride))}, dense,
		{index: weights}, {words: []uint32{0}}, {index: grid(plus(b*e, channels), n, span(0, n))}, dense,
	}
}

// conv is a causal convolution of (batch, length, channels) with bias and
// silu.
func conv(batch, length, channels, width int) kernelCase {
	p := shaders.CausalConvParams{Batch: batch, Length: length, Channels: channels, Width: width, Stride: channels, Bias: true, SiLU: true}
	kernel := "causal_conv"
	if length == 1 {
		kernel = "causal_conv_step"
	}
	rows := batch * length
	c := single(kernel, []int{batch, length, channels, width}, p, []array{
		floats("x", rows*channels, -1, 1), floats("weights", channels*(width+1), -1, 1),
		slots(batch), kept("state", batch*channels*(width-1)), result("y", rows*channels),
	}, func() (any, []view) { return sampleConv(p) })
	c.flops = 2 * float64(rows*channels*width)
	return c
}

// sampleConv is some channels of the last sequence.
func sampleConv(p shaders.CausalConvParams) (any, []view) {
	b, e, k := p.Batch-1, p.Channels, p.Width
	channels, steps := spread(e, sampledChannels), span((p.Batch-1)*p.Length, p.Length)
	dense := view{index: grid(steps, e, channels)}
	p.Batch, p.Channels, p.Stride = 1, len(channels), len(channels)
	return p, []view{
		dense, {index: append(grid(channels, k, span(0, k)), plus(e*k, channels)...)},
		{words: []uint32{0}}, {index: grid(plus(b*e, channels), k-1, span(0, k-1))}, dense,
	}
}
