package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// MatmulParams are the sizes of one matrix product with a weight matrix:
//
//	c[m*LDC+OffC+n] = sum_k a[m*LDA+OffA+k] * w[n,k] + bias[OffBias+n]
//
// Leading dimensions and offsets are counted in elements, so that a product
// may read or write some columns of a wider matrix.
type MatmulParams struct {
	M, N, K   int
	LDA, OffA int
	LDC, OffC int
	Weights   DType // storage type of w
	Bias      bool
	OffBias   int
	Add       bool // the product is added to c
}

// matmulVariant is what changes the code of matmul and matvec.
type matmulVariant struct {
	Tile, Quads int // of matmul: the side of the tile, and in it the quads of an invocation
	Weights     string
	Bias        bool
	Vec, VecOut bool // whole vectors of a and c
}

// Matmul dispatches the product of a (M, K) and w (N, K) into c (M, N). bias
// (OffBias+N) may be nil if Bias is not set. The order of each sum does not depend on
// M, N or the tile.
func (k *Kernels) Matmul(p MatmulParams, a, w, bias, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check("matmul", maxElements, a, w, bias, c); err != nil {
		return nil, err
	}
	v := p.variant()
	v.Tile = matmulTile(p.M, p.N)
	v.Quads = v.Tile / 64
	grid := [3]uint32{uint32(ceilDiv(p.N, v.Tile)), uint32(ceilDiv(p.M, v.Tile)), 1}
	return k.dispatch("matmul", v, p.uniform(), grid, a, w, orElse(bias, w), c)
}

// fullTiles is the number of tiles of 128 x 128 from which on they are used:
// fewer leave much of a large GPU idle, and more tiles of half the side do not.
const fullTiles = 128

func matmulTile(m, n int) int {
	if ceilDiv(m, 128)*ceilDiv(n, 128) >= fullTiles {
		return 128
	}
	return 64
}

func (p MatmulParams) variant() matmulVariant {
	return matmulVariant{
		Weights: p.Weights.String(),
		Bias:    p.Bias,
		Vec:     p.K == Stride(p.Weights, p.K) && p.LDA%4 == 0 && p.OffA%4 == 0,
		VecOut:  p.N%4 == 0 && p.LDC%4 == 0 && p.OffC%4 == 0,
	}
}

func (p MatmulParams) uniform() []byte {
	return uniform(p.M, p.N, p.K, p.LDA, p.OffA, p.LDC, p.OffC, p.OffBias)
}

func (p MatmulParams) check(kernel string, maxM int, a, w, bias, out *wgpu.Buffer) error {
	c := check{kernel: kernel}
	c.size("M", p.M, 1, maxM)
	c.size("N", p.N, 1, maxElements)
	c.size("K", p.K, 1, maxElements)
	c.size("OffA", p.OffA, 0, p.LDA-p.K)
	c.size("OffC", p.OffC, 0, p.LDC-p.N)
	c.words("a", size(a), (p.M-1)*p.LDA+p.OffA+p.K)
	c.words("w", size(w), int(MatrixBytes(p.Weights, p.N, p.K)/4))
	if p.Bias {
		c.size("OffBias", p.OffBias, 0, maxElements)
		c.words("bias", size(bias), p.OffBias+p.N)
	}
	c.words("c", size(out), (p.M-1)*p.LDC+p.OffC+p.N)
	return c.err
}
