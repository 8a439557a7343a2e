package bench

import "github.com/mambagpu/mambagpu/shaders"

// blockTokens is the number of tokens of the last sequence that the twins take
// through a block.
const blockTokens = 32

// The arrays of a block, in the order of mambaBlock's list. Letters: d
// d_model, E d_inner, N d_state, K d_conv, R dt_rank, T tokens.
const (
	blockX = iota
	blockInProj
	blockXZ
	blockConv
	blockSlots
	blockConvState
	blockU
	blockXProj
	blockP
	blockDtProj
	blockDtBias
	blockDelta
	blockScan
	blockScanState
	none // of no length: an argument that is not given
	blockY
	blockOutProj
	blockOut
	blockArrays
)

// mambaBlock is a Mamba-1 block (alg. 2 of arXiv 2312.00752) without norm and
// residual, as the reference was timed: x (batch, length, d) in, the same
// shape out; d_state 16, d_conv 4, expand 2.
func mambaBlock(batch, length, d int) kernelCase {
	const n, k = 16, 4
	e, r, t := 2*d, (d+15)/16, batch*length
	w := r + 2*n
	a := make([]array, blockArrays)
	a[blockX] = floats("x", t*d, -1, 1)
	a[blockInProj] = weights("in_proj", 2*e*d, shaders.F32, unit(d))
	a[blockXZ] = result("xz", t*2*e)
	a[blockConv] = floats("conv", e*(k+1), -0.5, 0.5)
	a[blockSlots] = slots(batch)
	a[blockConvState] = floats("conv_state", batch*e*(k-1), -1, 1)
	a[blockU] = result("u", t*e)
	a[blockXProj] = weights("x_proj", w*e, shaders.F32, unit(e))
	a[blockP] = result("p", t*w)
	a[blockDtProj] = weights("dt_proj", e*r, shaders.F32, unit(r))
	a[blockDtBias] = floats("dt_bias", e, -4, -1)
	a[blockDelta] = result("delta", t*e)
	a[blockScan] = floats("scan", e*(n+1), -2, -0.5)
	a[blockScanState] = floats("scan_state", batch*e*n, -1, 1)
	a[blockY] = result("y", t*e)
	a[blockOutProj] = weights("out_proj", d*e, shaders.F32, unit(e))
	a[blockOut] = result("out", t*d)
	return kernelCase{
		name: "mamba_block", shape: shapeName([]int{batch, length, d}), rel: accumulated,
		arrays: a, steps: blockSteps(batch, length, d, e, n, k, r),
		bytes: blockBytes(a),
		flops: 2*float64(t)*float64(2*d*e+e*k+e*w+r*e+e*d) + 6*float64(t*e*n),
		sample: func() ([]view, []step) {
			return blockViews(batch, length, d, e, n, k, r), blockSteps(1, min(length, blockTokens), d, e, n, k, r)
		},
	}
}

// blockBytes is what a block must move however well its kernels are fused: its
// input, output, weights and states, which are read and replaced.
func blockBytes(a []array) float64 {
	sum := 0.0
	for _, i := range []int{blockX, blockInProj, blockConv, blockXProj, blockDtProj, blockDtBias, blockScan, blockOutProj, blockOut,
		blockConvState, blockConvState, blockScanState, blockScanState} {
		sum += float64(a[i].bytes())
	}
	return sum
}

// blockSteps is the block as the model runs it, without fusing.
func blockSteps(batch, length, d, e, n, k, r int) []step {
	t, w := batch*length, r+2*n
	linear := func(in, weights, out, width, columns int) step {
		return step{split, shaders.MatmulParams{M: t, N: columns, K: width, LDA: width, LDC: columns}, []int{in, weights, none, out}}
	}
	return []step{
		linear(blockX, blockInProj, blockXZ, d, 2*e), // (B, L, 2E)
		{"causal_conv", shaders.CausalConvParams{Batch: batch, Length: length, Channels: e, Width: k, Stride: 2 * e, Bias: true, SiLU: true},
			[]int{blockXZ, blockConv, blockSlots, blockConvState, blockU}}, // (B, L, E)
		linear(blockU, blockXProj, blockP, e, w), // (B, L, R+2N)
		{"dt_proj", shaders.DtProjParams{Rows: t, Channels: e, Rank: r, Stride: w},
			[]int{blockP, blockDtProj, blockDtBias, blockDelta}}, // (B, L, E)
		{"selective_scan", shaders.SelectiveScanParams{Batch: batch, Length: length, Channels: e, States: n,
			BCStride: w, OffB: r, OffC: r + n, ZStride: 2 * e, OffZ: e, HasZ: true, HasD: true},
			[]int{blockU, blockDelta, blockP, blockXZ, blockScan, blockSlots, blockScanState, blockY}}, // (B, L, E)
		linear(blockY, blockOutProj, blockOut, e, d), // (B, L, d)
	}
}

// blockViews is the first tokens of the last sequence, at every stage: later
// ones have no influence on them.
func blockViews(batch, length, d, e, n, k, r int) []view {
	first, t, w := (batch-1)*length, min(length, blockTokens), r+2*n
	v := make([]view, blockArrays)
	rows := func(array, width int) { v[array].index = span(first*width, t*width) }
	all := func(array, count int) { v[array].index = span(0, count) }
	rows(blockX, d)
	rows(blockXZ, 2*e)
	rows(blockU, e)
	rows(blockP, w)
	rows(blockDelta, e)
	rows(blockY, e)
	rows(blockOut, d)
	all(blockInProj, 2*e*d)
	all(blockConv, e*(k+1))
	all(blockXProj, w*e)
	all(blockDtBias, e)
	all(blockScan, e*(n+1))
	all(blockOutProj, d*e)
	v[blockDtProj].index = transposed(span(0, e), e, r)
	v[blockSlots].words = []uint32{0}
	v[blockConvState].index = span((batch-1)*e*(k-1), e*(k-1))
	v[blockScanState].index = span((batch-1)*e*n, e*n)
	return v
}
