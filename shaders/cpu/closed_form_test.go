package cpu_test

import (
	"math"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/stretchr/testify/assert"
)

// TestScanOfConstants: with constant inputs and q = exp(d A) the state is a
// geometric sum, h_t = q^t h_0 + d u B (1 - q^t) / (1 - q).
func TestScanOfConstants(t *testing.T) {
	const length, d, u, b, c, skip, h0 = 40, 0.125, 1.5, 0.75, -0.5, 2, 3
	p := shaders.SelectiveScanParams{
		Batch: 1, Length: length, Channels: 1, States: 2,
		BCStride: 4, OffC: 2, HasD: true,
	}
	a := []float32{-1, -4}
	bc := make([]float32, 0, 4*length)
	for range length {
		bc = append(bc, b, b, c, c)
	}
	state, y := []float32{h0, h0}, make([]float32, length)
	weights := []float32{a[0], a[1], skip}
	cpu.SelectiveScan(p, constant(length, u), constant(length, d), bc, nil, weights, []uint32{0}, state, y)
	h := func(a float32, t int) float64 {
		q := math.Exp(d * float64(a))
		qt := math.Pow(q, float64(t))
		return qt*h0 + d*u*b*(1-qt)/(1-q)
	}
	for i := range y {
		want := c*(h(a[0], i+1)+h(a[1], i+1)) + skip*u
		assert.InDelta(t, want, y[i], 2e-7, "y[%d]", i)
	}
	assert.InDelta(t, h(a[0], length), state[0], 2e-7)
	assert.InDelta(t, h(a[1], length), state[1], 2e-7)
}

// TestScanStepIsClosed: one step from a zero state with softplus, bias and z
// is a product of known numbers.
func TestScanStepIsClosed(t *testing.T) {
	p := shaders.SelectiveScanParams{
		Batch: 1, Length: 1, Channels: 1, States: 1, BCStride: 2, OffC: 1,
		ZStride: 1, HasZ: true, HasBias: true, Softplus: true, Fresh: true,
	}
	state, y := []float32{float32(math.NaN())}, []float32{0}
	cpu.SelectiveScanStep(p, []float32{2}, []float32{0.5}, []float32{3, 5}, []float32{1}, []float32{-1, -0.5}, []uint32{0}, state, y)
	assert.InDelta(t, math.Ln2*2*3, state[0], 1e-6)                             // softplus(0.5 - 0.5) = ln 2
	assert.InDelta(t, math.Ln2*2*3*5*(1/(1+math.Exp(-1))), float64(y[0]), 2e-6) // times silu(1)
}

// TestConvOfImpulse: the response to a single 1 is the filter backwards.
func TestConvOfImpulse(t *testing.T) {
	p := shaders.CausalConvParams{Batch: 1, Length: 5, Channels: 1, Width: 3, Stride: 1, Fresh: true}
	state, y := make([]float32, 2), make([]float32, 5)
	cpu.CausalConv(p, []float32{0, 1, 0, 0, 7}, []float32{2, 3, 5}, []uint32{0}, state, y)
	assert.Equal(t, []float32{0, 5, 3, 2, 35}, y)
	assert.Equal(t, []float32{0, 7}, state)
}

// TestConvShorterThanFilter: the state keeps what is left of the old one.
func TestConvShorterThanFilter(t *testing.T) {
	p := shaders.CausalConvParams{Batch: 1, Length: 2, Channels: 1, Width: 4, Stride: 1}
	state, y := []float32{1, 10, 100}, make([]float32, 2)
	cpu.CausalConv(p, []float32{2, 3}, []float32{1, 1, 1, 1}, []uint32{0}, state, y)
	assert.Equal(t, []float32{113, 115}, y)
	assert.Equal(t, []float32{100, 2, 3}, state)
}

func TestRMSNormOfConstant(t *testing.T) {
	p := shaders.RMSNormParams{Rows: 1, Width: 3}
	y := make([]float32, 3)
	cpu.RMSNorm(p, []float32{-4, -4, 4}, []float32{1, 2, 3}, y)
	assert.Equal(t, []float32{-1, -2, 3}, y)
}

func TestMatmulByHand(t *testing.T) {
	p := shaders.MatmulParams{M: 2, N: 3, K: 2, LDA: 3, OffA: 1, LDC: 4, OffC: 1, Bias: true}
	a := []float32{9, 1, 2, 9, 3, 4}
	w := []float32{1, 0, 0, 1, 1, 1}
	c := []float32{-1, 0, 0, 0, -1, 0, 0, 0}
	cpu.Matmul(p, a, w, []float32{10, 20, 30}, c)
	assert.Equal(t, []float32{-1, 11, 22, 33, -1, 13, 24, 37}, c)
}

// TestMatmulGradients holds the products that MatmulParams names against differences
// of y = x W^T, which is linear in either, so that a difference is the derivative: of
// the loss sum dy y, in which all numbers are small integers.
func TestMatmulGradients(t *testing.T) {
	const tokens, in, out, gap = 5, 3, 4, 2
	x, w, dy := integers(tokens*(in+gap), 5), integers(out*in, 7), integers(tokens*(out+gap), 9)
	loss := func() (sum float32) {
		y := make([]float32, tokens*out)
		cpu.Matmul(shaders.MatmulParams{M: tokens, N: out, K: in, LDA: in + gap, OffA: 1, LDC: out}, x, w, nil, y)
		for i, v := range y {
			sum += v * dy[i/out*(out+gap)+2+i%out]
		}
		return sum
	}
	at := loss()
	difference := func(v *float32) float32 {
		*v++
		defer func() { *v-- }()
		return loss() - at
	}
	dx, dw := make([]float32, tokens*in), []float32{100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	cpu.Matmul(shaders.MatmulParams{M: tokens, N: in, K: out, LDA: out + gap, OffA: 2, LDW: in, LDC: in, TransW: true}, dy, w, nil, dx)
	cpu.Matmul(shaders.MatmulParams{
		M: out, N: in, K: tokens, LDA: out + gap, OffA: 2, LDW: in + gap, OffW: 1, LDC: in, TransA: true, TransW: true, Add: true,
	}, dy, x, nil, dw)
	dw[0] -= 100
	for i, v := range dx {
		assert.Equal(t, difference(&x[i/in*(in+gap)+1+i%in]), v, "x %d", i)
	}
	for i, v := range dw {
		assert.Equal(t, difference(&w[i]), v, "w %d", i)
	}
}

// integers is n small integers of both signs.
func integers(n, modulus int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i*i%modulus - modulus/2)
	}
	return x
}

func TestColumnSumsByHand(t *testing.T) {
	p := shaders.ColumnSumsParams{Rows: 2, Columns: 2, Stride: 3, Offset: 1, OffOut: 1}
	sums := []float32{-1, 100, 200, -1}
	cpu.ColumnSums(p, []float32{9, 1, 2, 9, 3, 4}, sums)
	assert.Equal(t, []float32{-1, 104, 206, -1}, sums)
}

func TestDtProjByHand(t *testing.T) {
	p := shaders.DtProjParams{Rows: 1, Channels: 2, Rank: 2, Stride: 3, Offset: 1}
	delta := make([]float32, 2)
	cpu.DtProj(p, []float32{9, 1, 2}, []float32{1, 1, 50, 50}, []float32{-3, -50}, delta)
	assert.Equal(t, []float32{math.Ln2, 100}, delta)
}

func TestGreedyChoiceByHand(t *testing.T) {
	nan, negInf := float32(math.NaN()), float32(math.Inf(-1))
	p := shaders.ChoiceParams{Rows: 4, Width: 3, Stride: 4, Ring: 2, Penalty: true}
	best, draws := make([]float32, p.Best()), make([]uint32, 4*shaders.DrawWords)
	for r := range 4 {
		words := shaders.Draw{Place: uint32(r), Raise: 2, Lower: 0.5}.Words()
		copy(draws[r*shaders.DrawWords:], words[:])
	}
	seen, chosen, ids := []uint32{0, 2, 0, 0}, make([]uint32, 8), make([]uint32, 4)
	cpu.Peaks(p, []float32{1, 3, 3, 9, 1, 3, 2, 0, nan, 1, 2, 0, negInf, 1, -1, 0}, draws, seen, best)
	assert.Equal(t, []float32{3, 1, 0, 2, 2, 0, 0, 3, 0, 0, 3, 0}, best)
	cpu.Choose(p, best, seen, draws, chosen, ids)
	assert.Equal(t, []uint32{1, 2, 3, 3}, ids)
	assert.Equal(t, []uint32{1, 0, 3, 0, 0, 2, 0, 3}, chosen, "each in the row of its place")
	assert.Equal(t, []uint32{2, 6, 0, 0}, seen)
	assert.EqualValues(t, 1, draws[0], "the place moves on")
}

func TestResidualAddByHand(t *testing.T) {
	r := []float32{1, 2, 3}
	cpu.ResidualAdd(shaders.ResidualAddParams{Count: 2}, r, []float32{10, 20})
	assert.Equal(t, []float32{11, 22, 3}, r)
}

func TestEmbeddingByHand(t *testing.T) {
	out := []float32{-1, -1, -1, -1}
	p := shaders.EmbeddingParams{Tokens: 4, Width: 1, FirstRow: 5, Rows: 2}
	cpu.Embedding(p, []uint32{6, 4, 7, 5}, []float32{50, 60}, out)
	assert.Equal(t, []float32{60, -1, -1, 50}, out)
}

// constant is n times v.
func constant(n int, v float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = v
	}
	return x
}
