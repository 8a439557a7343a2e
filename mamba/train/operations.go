package train

import "github.com/mambagpu/mambagpu/shaders"

// operations runs the kernels of package shaders on one kind of machine, A being how
// it holds an array. Methods take the parameters and arrays of the kernels of the
// same name, in the same order; scratch is the machine's own.
//
// The gradient of a parameter is added to its array, that of an activation replaces
// what was there unless the parameters say otherwise.
type operations[A any] interface {
	// stride is the number of elements from one row of a weight matrix, or of its
	// gradient, to the next.
	stride(cols int) int
	clear(x A)
	copy(dst A, dstFirst int, src A, srcFirst, words int)

	embedding(p shaders.EmbeddingParams, ids, table, out A)
	embeddingBackward(p shaders.EmbeddingBackwardParams, places, dx, dtable A)
	rmsNorm(p shaders.RMSNormParams, x, weight, y A)
	rmsNormBackward(p shaders.RMSNormBackwardParams, x, weight, dy, dx, dweight A)
	matmul(p shaders.MatmulParams, a, w, bias, c A)
	columnSums(p shaders.ColumnSumsParams, x, sums A)
	causalConv(p shaders.CausalConvParams, x, weights, slots, state, y A)
	causalConvBackward(p shaders.CausalConvParams, x, weights, dy, dx, dweights A)
	logDecays(p shaders.LogDecaysParams, log, out A)
	logDecaysBackward(p shaders.LogDecaysParams, weights, dweights, dlog A)
	selectiveScan(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, y A)
	// selectiveScanBackward replaces delta by its gradient and dy by that of u.
	selectiveScanBackward(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, dy, dbc, dz, dweights A)

	crossEntropy(p shaders.CrossEntropyParams, logits, targets, losses A)
	squareSums(p shaders.SquareSumsParams, runs, x, sums A)
	clipScale(p shaders.ClipScaleParams, sums, control A)
	adamW(p shaders.AdamWParams, runs, gradient, control, parameter, m, v A)
}
