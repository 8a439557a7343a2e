package shaders

import (
	"math/bits"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mambagpu/mambagpu/wgpu"
)

func TestMatmulTiles(t *testing.T) {
	names := map[string]bool{}
	for _, tile := range matmulTiles {
		name := tile.name()
		assert.False(t, names[name], name)
		names[name] = true
		for _, n := range []int{tile.LanesM, tile.LanesN, tile.Quads, tile.Slices} {
			assert.Equal(t, 1, bits.OnesCount(uint(n)), "%s: a power of two", name)
		}
		assert.Zero(t, tile.M%4+tile.N%4, name)
		assert.Zero(t, tile.Lanes()%32, name)
		assert.Zero(t, tile.Quads%tile.Slices, name)
		assert.LessOrEqual(t, tile.Invocations(), 256, name)
		assert.Equal(t, tile.LanesM*tile.LanesN*tile.Slices, tile.Invocations(), name)
		loaded := 0
		for _, l := range tile.Loads() {
			loaded += min(tile.Invocations(), tile.Units()-l.First)
			assert.Equal(t, l.First < tile.UnitsA(), l.A, name)
		}
		assert.Equal(t, tile.Units(), loaded, name)
	}
}

// TestMatmulVariantsWithinLimits asks for the least that a device may have.
func TestMatmulVariantsWithinLimits(t *testing.T) {
	low, high := wgpu.DefaultLimits(), wgpu.DefaultLimits()
	high.MaxWorkgroupMemory = 48 << 10
	p := MatmulParams{M: 2048, N: 3072, K: 768, LDA: 768, LDC: 3072}
	assert.Less(t, len(Variants("matmul", p, low, wgpu.Discrete)), len(Variants("matmul", p, high, wgpu.Discrete)))
	for _, name := range Variants("matmul_split", p, low, wgpu.Discrete) {
		tile, _ := parseMatmul(name)
		assert.LessOrEqual(t, tile.Memory(), 16<<10, name)
	}
	for _, name := range Variants("matmul", p, high, wgpu.Discrete) {
		assert.NotContains(t, name, "/k")
	}
	assert.Empty(t, Variants("matvec", p, high, wgpu.Discrete))
}

// TestMatmulChoice holds the estimate to what must be so on any GPU: large products
// take tiles of many elements and whole sums, small ones are shared more widely.
func TestMatmulChoice(t *testing.T) {
	best := func(m, n, k int) string {
		return Variants("matmul_split", MatmulParams{M: m, N: n, K: k, LDA: k, LDC: n}, wgpu.DefaultLimits(), wgpu.Discrete)[0]
	}
	for _, large := range []string{best(4096, 4096, 4096), best(16384, 3072, 768)} {
		tile, parts := parseMatmul(large)
		assert.GreaterOrEqual(t, tile.M*tile.N, 64, large)
		assert.Equal(t, 1, parts, large)
	}
	tile, parts := parseMatmul(best(64, 80, 1536))
	assert.Greater(t, ceilDiv(64, tile.Rows())*ceilDiv(80, tile.Columns())*parts, 8)
}

func TestMatmulNames(t *testing.T) {
	for _, tile := range matmulTiles {
		for _, parts := range matmulParts {
			name := matmulChoice{tile, parts, 0}.name()
			got, n := parseMatmul(name)
			assert.Equal(t, tile, got, name)
			assert.Equal(t, parts, n, name)
			assert.Equal(t, parts > 1, strings.Contains(name, "/k"), name)
		}
	}
}

// TestMatmulParts: no part of a split sum is empty, and large ones are not split.
func TestMatmulParts(t *testing.T) {
	tile := matmulTiles[0] // steps of 16
	for k, want := range map[int][]int{16: {1}, 32: {1, 2}, 48: {1, 2}, 64: {1, 2, 4}, 80: {1, 2}, 128: {1, 2, 4, 8}} {
		var got []int
		for _, parts := range matmulParts {
			if tile.splits(MatmulParams{M: 1, N: 1, K: k}, parts) {
				got = append(got, parts)
			}
		}
		assert.Equal(t, want, got, k)
	}
	assert.True(t, tile.splits(MatmulParams{M: 2048, N: 1024, K: 64}, 2))
	assert.False(t, tile.splits(MatmulParams{M: 2048, N: 1025, K: 64}, 2))
}

// TestMatmulShapes: what a tuning is stored by tells how the operands lie, and is the
// same for about as many tokens, which are k where a is transposed.
func TestMatmulShapes(t *testing.T) {
	assert.Equal(t, "2048x48x512 F32", MatmulParams{M: 2000, N: 48, K: 512}.shape())
	assert.Equal(t, "2048x512x48 F32 TransW", MatmulParams{M: 2000, N: 512, K: 48, TransW: true}.shape())
	assert.Equal(t, "64x512x2048 F32 TransA TransW", MatmulParams{M: 48, N: 512, K: 2000, TransA: true, TransW: true}.shape())
}

// TestMatmulOfManyTokens: the gradient of a weight matrix, of few elements, fills a
// large GPU.
func TestMatmulOfManyTokens(t *testing.T) {
	for _, size := range [][2]int{{1024, 256}, {48, 512}, {512, 16}, {256, 512}, {64, 1024}} {
		p := MatmulParams{M: size[0], N: size[1], K: 32768, LDA: size[0], LDW: size[1], LDC: size[1], TransA: true, TransW: true}
		name := Variants("matmul_split", p, wgpu.DefaultLimits(), wgpu.Discrete)[0]
		tile, parts := parseMatmul(name)
		groups := ceilDiv(p.M, tile.Rows()) * ceilDiv(p.N, tile.Columns()) * parts
		assert.GreaterOrEqual(t, groups*tile.Invocations(), processors*192, "%v: %s", size, name)
		assert.LessOrEqual(t, parts*p.M*p.N, maxScratch, name)
	}
}

// TestMatmulOfManyTiles asks for more tiles than a grid has room for along an axis.
func TestMatmulOfManyTiles(t *testing.T) {
	l, first := wgpu.DefaultLimits(), matmulTiles[0]
	for _, p := range []MatmulParams{
		{M: maxAxis * first.Rows(), N: 4, K: 4, LDA: 4, LDC: 4},
		{M: 4, N: maxAxis * first.Columns(), K: 4, LDA: 4, LDC: maxAxis * first.Columns()},
	} {
		for _, name := range Variants("matmul", p, l, wgpu.Discrete) {
			tile, _ := parseMatmul(name)
			assert.True(t, tile.covers(p), name)
		}
		var wrong *ShapeError
		p.M, p.N = 2*p.M, 2*p.N
		assert.NotEmpty(t, Variants("matmul", p, l, wgpu.Discrete))
		assert.ErrorAs(t, p.checkTiled(nil, nil, nil, nil), &wrong)
		assert.Contains(t, []string{"M", "N"}, wrong.Arg)
	}
}
