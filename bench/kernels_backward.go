package bench

import (
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

// scanBothWays is a selective scan of (batch, length, channels, states) forwards, then
// backwards with all gradients but that of the initial state, as the reference was timed.
//
// The backward pass replaces its inputs delta and dy by their gradients: the runs that are
// timed, but for the first, scan what the one before left. What an instruction takes does not
// depend on its numbers. The gradients of B and C are sums over all channels and so no part
// of the sample; the kernels' cases have them.
func scanBothWays(batch, length, channels, states int) kernelCase {
	p := shaders.SelectiveScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 2 * states, OffC: states, ZStride: channels,
		HasZ: true, HasD: true, HasBias: true, Softplus: true, Fresh: true,
	}
	rows, size := batch*length, batch*length*channels
	delta := floats("delta", size, -4, -1)
	delta.out = true
	c := kernelCase{
		name: "selective_scan fwd+bwd", shape: shapeName([]int{batch, length, channels, states}),
		arrays: []array{
			floats("u", size, -1, 1), delta, floats("bc", rows*p.BCStride, -1, 1), floats("z", size, -2, 2),
			floats("weights", p.WeightCount(), -2, -0.5), slots(batch), result("state", batch*channels*states),
			result("y", size), kept("dy", size), {name: "dbc", len: rows * p.BCStride}, result("dz", size),
			kept("dweights", p.WeightCount()), {name: "dstate"},
		},
		steps: scanSteps(p),
		// Forwards u, delta, z and y; backwards u, delta, z and dy, and three gradients;
		// B and C twice, and their gradients.
		bytes: 4 * float64(11*size+3*rows*p.BCStride),
		// Of a state forwards 6; backwards 4 to compute it again, 2 of y for dz, 4 of its
		// gradient, 2 each of dB and dC, 2 of the sum of g B, 3 of that of g A h, 3 of dA.
		flops: 28 * float64(size*states), rel: accumulated,
	}
	c.sample = func() ([]view, []step) { return sampleScanBothWays(p) }
	return c
}

// scanSteps is the two passes over the arrays of scanBothWays.
func scanSteps(p shaders.SelectiveScanParams) []step {
	return []step{
		{"selective_scan", p, span(0, 8)},
		{"selective_scan_backward", p, []int{0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12}},
	}
}

// sampleScanBothWays is some channels of all sequences.
func sampleScanBothWays(p shaders.SelectiveScanParams) ([]view, []step) {
	e, n, rows := p.Channels, p.States, p.Batch*p.Length
	channels := spread(e, sampledChannels)
	weights := view{index: slices.Concat(grid(channels, n, span(0, n)), plus(e*n, channels), plus(e*n+e, channels))}
	dense := view{index: grid(span(0, rows), e, channels)}
	bc := view{index: span(0, rows*p.BCStride)}
	state := view{index: grid(grid(span(0, p.Batch), e, channels), n, span(0, n))}
	p.Channels, p.ZStride = len(channels), len(channels)
	return []view{
		dense, dense, bc, dense, weights, {words: span32(p.Batch)}, state, dense, // the scan's
		dense, bc, dense, weights, {},
	}, scanSteps(p)
}

// span32 is the numbers below n.
func span32(n int) []uint32 {
	list := make([]uint32, n)
	for i := range list {
		list[i] = uint32(i)
	}
	return list
}
