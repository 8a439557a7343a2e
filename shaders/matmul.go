package shaders

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mambagpu/mambagpu/wgpu"
)

// MatmulParams are the sizes of one matrix product with a weight matrix:
//
//	x[m,n] = sum_k a[m*LDA+OffA+k] * w[n,k]
//	c[m*LDC+OffC+n] = act(x[m,n] + bias[OffBias+n]) + c[m*LDC+OffC+n]
//
// where act is silu or nothing, and bias and the old c are there or not.
// Leading dimensions and offsets are counted in elements, so that a product
// may read or write some columns of a wider matrix, from any row on.
//
// w is a weight matrix as [MatrixBytes] counts it, unless LDW is given: then it is
// float32, and w[n,k] is element n*LDW+OffW+k. The transposes of a and w, which the
// backward pass of a product needs, lie the other way round:
//
//	TransA: a[m,k] is element k*LDA+OffA+m
//	TransW: w[n,k] is element k*LDW+OffW+n
//
// Of y = x W^T with y (T, O), x (T, I) and W (O, I), whose rows are Stride(F32, I)
// elements apart, the gradient of x is the product of dy with
// {M: T, N: I, K: O, TransW}, and that of W is what dy and x add to it with
// {M: O, N: I, K: T, TransA, TransW, Add}.
//
// Each of a, a w with LDW, and c may lie in halves, as [RoundHalf] says: an (M, K) or (N, K)
// matrix in pairs of its rows, a transpose in pairs of its own. All columns lie within a
// row then: offsets are less than the leading dimension.
type MatmulParams struct {
	M, N, K   int
	LDA, OffA int
	LDW, OffW int // of float32 weights; LDW 0: as MatrixBytes counts
	LDC, OffC int
	Weights   DType // storage type of w
	Bias      bool
	OffBias   int
	SiLU      bool // act is silu; not in Matvec
	Add       bool // c is added to, not replaced
	TransA    bool // a lies as (K, M); not in Matvec
	TransW    bool // w lies as (K, N); not in Matvec

	HalvesA, HalvesW, HalvesC bool // lie in halves; not in Matvec, nor c with Add
}

// Matmul dispatches the product of a (M, K) and w (N, K) into c (M, N). bias
// (OffBias+N) may be nil if Bias is not set.
func (k *Kernels) Matmul(p MatmulParams, a, w, bias, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.checkTiled(a, w, bias, c); err != nil {
		return nil, err
	}
	t, _ := parseMatmul(k.choose("matmul", p.shape(), p.variants("matmul", k.dev.Limits(), k.dev.Info().Kind)))
	return k.matmul(p, t, 1, a, w, bias, c)
}

// MatmulSplit is Matmul where the sums may be split into parts, summed by as many
// times the workgroups, so that a product of few elements fills a GPU: the parts
// go to scratch, of at least MatmulScratch(p) words, and a second dispatch adds
// them in order. Where the whole sums are faster, it is one dispatch and scratch
// may be nil.
func (k *Kernels) MatmulSplit(p MatmulParams, a, w, bias, scratch, c *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	if err := p.checkTiled(a, w, bias, c); err != nil {
		return nil, err
	}
	t, parts := k.chooseSplit(p)
	if parts == 1 {
		d, err := k.matmul(p, t, 1, a, w, bias, c)
		return []*wgpu.Dispatch{d}, err
	}
	check := check{kernel: "matmul"}
	check.words("scratch", size(scratch), parts*p.M*p.N)
	if check.err != nil {
		return nil, check.err
	}
	first, err := k.matmul(p, t, parts, a, w, bias, scratch)
	if err != nil {
		return nil, err
	}
	sum := MatmulSumParams{M: p.M, N: p.N, Parts: parts, LDC: p.LDC, OffC: p.OffC, Bias: p.Bias, OffBias: p.OffBias, SiLU: p.SiLU, Add: p.Add}
	second, err := k.MatmulSum(sum, scratch, bias, c)
	if err != nil {
		first.Close()
		return nil, err
	}
	return []*wgpu.Dispatch{first, second}, nil
}

// MatmulScratch is the number of words of scratch that MatmulSplit needs, none
// where it does not split the sums.
func (k *Kernels) MatmulScratch(p MatmulParams) int {
	if _, parts := k.chooseSplit(p); parts > 1 {
		return parts * p.M * p.N
	}
	return 0
}

func (k *Kernels) chooseSplit(p MatmulParams) (t matmulTile, parts int) {
	return parseMatmul(k.choose("matmul_split", p.shape(), p.variants("matmul_split", k.dev.Limits(), k.dev.Info().Kind)))
}

// matmul dispatches the product by tiles t, or its parts.
func (k *Kernels) matmul(p MatmulParams, t matmulTile, parts int, a, w, bias, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	v := matmulVariant{matmulTile: t, Weights: p.Weights.String(), VecOut: p.N%4 == 0, Parts: true}
	v.A, v.W, v.Strided = p.operandA(), p.operandW(), p.LDW > 0
	v.TransA, v.TransW, v.HalvesC = p.TransA, p.TransW, p.HalvesC
	if parts == 1 {
		v.Parts, v.VecOut = false, v.VecOut && p.LDC%4 == 0 && p.OffC%4 == 0
		v.Bias, v.SiLU, v.Add = p.Bias, p.SiLU, p.Add
	}
	grid := [3]uint32{uint32(ceilDiv(p.N, t.Columns())), uint32(ceilDiv(p.M, t.Rows())), uint32(parts)}
	return k.dispatch("matmul", v, p.uniform(), grid, a, w, orElse(bias, w), c)
}

// shape is what the choice of tiles depends on, "MxNxK", the type of w and what is
// transposed, M up to the next power of two, and so K of a transposed a.
func (p MatmulParams) shape() string {
	m, k, lies := near(p.M), p.K, ""
	if p.TransA {
		k, lies = near(p.K), " TransA"
	}
	if p.TransW {
		lies += " TransW"
	}
	return fmt.Sprintf("%dx%dx%d %v%s", m, p.N, k, p.Weights, lies)
}

// variants lists the tiles within a device's limits, and for the kernel
// matmul_split the same with parts, the one that should be fastest first.
func (p MatmulParams) variants(kernel string, l wgpu.Limits, _ wgpu.Kind) []string {
	if kernel != "matmul" && kernel != "matmul_split" {
		return nil
	}
	var list []matmulChoice
	for i, t := range matmulTiles {
		if i > 0 && !(t.within(l) && t.covers(p) && t.pairs(p)) { // the first does what any can
			continue
		}
		for _, parts := range matmulParts {
			if parts == 1 || kernel == "matmul_split" && t.splits(p, parts) {
				list = append(list, matmulChoice{t, parts, t.cost(p, parts)})
			}
		}
	}
	best := slices.MinFunc(list, func(a, b matmulChoice) int { return cmp.Compare(a.cost, b.cost) })
	names := []string{best.name()}
	for _, c := range list {
		if c.name() != best.name() {
			names = append(names, c.name())
		}
	}
	return names
}

func (p MatmulParams) uniform() []byte {
	return uniform(p.M, p.N, p.K, p.LDA, p.OffA, p.LDC, p.OffC, p.OffBias, p.LDW, p.OffW)
}

// checkTiled is check, and that a grid has room for the tiles.
func (p MatmulParams) checkTiled(a, w, bias, out *wgpu.Buffer) error {
	c := check{kernel: "matmul"}
	c.size("N", p.N, 1, maxAxis*matmulTiles[0].Columns())
	c.off("Add of halves", p.HalvesC && p.Add)
	return cmp.Or(c.err, p.check("matmul", maxAxis*matmulTiles[0].Rows(), a, w, bias, out))
}

func (p MatmulParams) check(kernel string, maxM int, a, w, bias, out *wgpu.Buffer) error {
	c := check{kernel: kernel}
	c.size("M", p.M, 1, maxM)
	c.size("N", p.N, 1, maxElements)
	c.size("K", p.K, 1, maxElements)
	if kernel != "matmul" {
		c.off("Halves", p.HalvesA || p.HalvesW || p.HalvesC)
	}
	c.operand("A", size(a), p.M, p.K, p.LDA, p.OffA, p.TransA, p.HalvesA)
	if p.LDW == 0 && !p.TransW {
		c.size("OffW", p.OffW, 0, 0)
		c.off("HalvesW", p.HalvesW)
		c.words("w", size(w), int(MatrixBytes(p.Weights, p.N, p.K)/4))
	} else {
		c.float32Only("Weights", p.Weights)
		c.operand("W", size(w), p.N, p.K, p.LDW, p.OffW, p.TransW, p.HalvesW)
	}
	if p.Bias {
		c.size("OffBias", p.OffBias, 0, maxElements)
		c.words("bias", size(bias), p.OffBias+p.N)
	}
	c.operand("C", size(out), p.M, p.N, p.LDC, p.OffC, false, p.HalvesC)
	return c.err
}

// operand checks that a buffer holds a matrix (rows, cols) or its transpose: name is
// the capital in LDA and OffA.
func (c *check) operand(name string, have uint64, rows, cols, ld, off int, transposed, halves bool) {
	if transposed {
		rows, cols = cols, rows
	}
	c.size("LD"+name, ld, cols, maxElements)
	if halves {
		c.size("Off"+name, off, 0, ld-cols)
	}
	c.size("Off"+name, off, 0, maxElements)
	c.activation(strings.ToLower(name), have, rows, cols, ld, off, halves)
}
