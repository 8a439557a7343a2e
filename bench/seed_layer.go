package bench

import "github.com/mambagpu/mambagpu/shaders"

// The arrays of a seed's layer, in the order of seedLayer's list. Letters: d
// d_model, E d_inner, N d_state, K d_conv, S the width of s, T tokens.
const (
	seedX = iota
	seedInProj
	seedInBias
	seedV
	seedConv
	seedSlots
	seedConvState
	seedU
	seedSProj
	seedSBias
	seedS
	seedA
	seedCells
	seedScan
	seedScanState
	seedOutProj
	seedOutBias
	seedY
	seedOut
	seedArrays
)

// seedLayer is the seed's layer as [mamba.Layer] runs it without norm: x
// (batch, length, d) in, the same shape out; d_state 16, d_conv 4, expand 2.
// The layer adds to x in place. Here the sum is an array of its own that starts
// as x does, so that every run has the same input.
func seedLayer(batch, length, d int) kernelCase {
	const n, k = 16, 4
	e, t := 2*d, batch*length
	w := modulatedWidth(e, n)
	a := make([]array, seedArrays)
	a[seedX] = floats("x", t*d, -1, 1)
	a[seedInProj] = weights("in_proj", e*d, shaders.F32, unit(d))
	a[seedInBias] = floats("in_bias", e, -0.5, 0.5)
	a[seedV] = result("v", t*e)
	a[seedConv] = floats("conv", e*(k+1), -0.5, 0.5)
	a[seedSlots] = slots(batch)
	a[seedConvState] = floats("conv_state", batch*e*(k-1), -1, 1)
	a[seedU] = result("u", t*e)
	a[seedSProj] = weights("s_proj", w*e, shaders.F32, unit(e))
	a[seedSBias] = floats("s_bias", w, -0.5, 0.5)
	a[seedS] = result("s", t*w)
	a[seedA] = poles("a", n, n, 0)
	a[seedCells] = result("cells", 4*t*n)
	a[seedScan] = floats("scan", e*(2*n+1), -1, 1)
	a[seedScanState] = floats("scan_state", 2*batch*e*n, -1, 1)
	a[seedOutProj] = weights("out_proj", d*e, shaders.F32, unit(e))
	a[seedOutBias] = floats("out_bias", d, -0.5, 0.5)
	a[seedY] = result("y", t*d)
	a[seedOut] = kept("x", t*d)
	return kernelCase{
		name: "seed_layer", shape: shapeName([]int{batch, length, d}), rel: accumulated,
		arrays: a, steps: seedSteps(batch, length, d, e, n, k),
		bytes: seedBytes(a),
		flops: 2*float64(t)*float64(d*e+e*k+e*w+e*d) + modulatedFlops*float64(t*e*n),
		sample: func() ([]view, []step) {
			return seedViews(batch, length, d, e, n, k), seedSteps(1, min(length, blockTokens), d, e, n, k)
		},
	}
}

// seedBytes is what a layer must move however well its kernels are fused: its
// input, output, weights and states, which are read and replaced.
func seedBytes(a []array) float64 {
	sum := 0.0
	for _, i := range []int{seedX, seedInProj, seedInBias, seedConv, seedSProj, seedSBias, seedA, seedScan, seedOutProj, seedOutBias,
		seedOut, seedConvState, seedConvState, seedScanState, seedScanState} {
		sum += float64(a[i].bytes())
	}
	return sum
}

// seedSteps is the dispatches of the layer.
func seedSteps(batch, length, d, e, n, k int) []step {
	t, w := batch*length, modulatedWidth(e, n)
	linear := func(in, weights, bias, out, width, columns int) step {
		return step{split, shaders.MatmulParams{M: t, N: columns, K: width, LDA: width, LDC: columns, Bias: true}, []int{in, weights, bias, out}}
	}
	return []step{
		linear(seedX, seedInProj, seedInBias, seedV, d, e), // (B, L, E)
		{"causal_conv", shaders.CausalConvParams{Batch: batch, Length: length, Channels: e, Width: k, Stride: e, Bias: true},
			[]int{seedV, seedConv, seedSlots, seedConvState, seedU}}, // (B, L, E)
		linear(seedU, seedSProj, seedSBias, seedS, e, w), // (B, L, S)
		{"discretize", shaders.DiscretizeParams{Rows: t, States: n, Stride: w, OffMod: 1, Softplus: true, Modulated: true},
			[]int{seedS, seedA, seedCells}}, // (B, L, N, 4)
		{"modulated_scan", shaders.ModulatedScanParams{Batch: batch, Length: length, Channels: e, States: n,
			Stride: w, OffB: 1 + n, OffC: 1 + n + e},
			[]int{seedU, seedCells, seedS, seedScan, seedSlots, seedScanState, seedV}}, // (B, L, E)
		linear(seedV, seedOutProj, seedOutBias, seedY, e, d), // (B, L, d)
		{"residual_add", shaders.ResidualAddParams{Count: t * d}, []int{seedOut, seedY}},
	}
}

// seedViews is the first tokens of the last sequence, at every stage: later
// ones have no influence on them.
func seedViews(batch, length, d, e, n, k int) []view {
	first, t, w := (batch-1)*length, min(length, blockTokens), modulatedWidth(e, n)
	v := make([]view, seedArrays)
	rows := func(array, width int) { v[array].index = span(first*width, t*width) }
	all := func(array, count int) { v[array].index = span(0, count) }
	rows(seedX, d)
	rows(seedV, e)
	rows(seedU, e)
	rows(seedS, w)
	rows(seedCells, 4*n)
	rows(seedY, d)
	rows(seedOut, d)
	all(seedInProj, e*d)
	all(seedInBias, e)
	all(seedConv, e*(k+1))
	all(seedSProj, w*e)
	all(seedSBias, w)
	all(seedA, 2*n)
	all(seedScan, e*(2*n+1))
	all(seedOutProj, d*e)
	all(seedOutBias, d)
	v[seedSlots].words = []uint32{0}
	v[seedConvState].index = span((batch-1)*e*(k-1), e*(k-1))
	v[seedScanState].index = span(2*(batch-1)*e*n, 2*e*n)
	return v
}
