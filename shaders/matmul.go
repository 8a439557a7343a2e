package shaders

// MatmulParams are the sizes of one matrix product with a weight matrix:
//
//	c[m*LDC+OffC+n] = sum_k a[m*LDA+OffA+k] * w[n,k] + bias[n]
//
// Leading dimensions and offsets are counted in elements, so that a product
// may read or write some columns of a wider matrix.
type MatmulParams struct {
	M, N, K   int
	LDA, OffA int
	LDC, OffC int
	Weights   DType // storage type of w
	Bias      bool
}
