package bench

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// sampledRows and sampledColumns bound the part of a matrix that a twin
// computes.
const (
	sampledRows    = 16
	sampledColumns = 64
)

// product is c (m, n) = a (m, k) w (n, k): matvec for one or two rows, matmul_lanes for
// as many as a workgroup of it has, otherwise matmul. k is a multiple of four, and with
// integers of 32.
func product(m, n, k int, t shaders.DType) kernelCase {
	switch {
	case m < shaders.MinLaneRows:
		return productBy("matvec", m, n, k, t)
	case m <= shaders.MaxMatvecRows:
		return productBy("matmul_lanes", m, n, k, t)
	}
	return productBy(split, m, n, k, t)
}

// productBy is product by a kernel of choice.
func productBy(kernel string, m, n, k int, t shaders.DType) kernelCase {
	p := shaders.MatmulParams{M: m, N: n, K: k, LDA: k, LDC: n, Weights: t}
	c := single(kernel, []int{m, n, k}, p, []array{
		floats("a", m*k, -1, 1), matrix("w", n, k, t, unit(k)), {name: "bias"}, result("c", m*n),
	}, func() (any, []view) {
		rows, columns := spread(m, sampledRows), spread(n, sampledColumns)
		q := p
		q.M, q.N, q.LDC = len(rows), len(columns), len(columns)
		return q, []view{
			{index: grid(rows, k, span(0, k))}, {index: grid(columns, k, span(0, k))}, {}, {index: grid(rows, n, columns)},
		}
	})
	if kernel == split {
		c.name = "matmul"
	}
	c.flops = 2 * float64(m) * float64(n) * float64(k)
	return c.as(t)
}

// unit is the power of two next to k^-1/2: sums of k products with weights of
// that size are of order 1.
func unit(k int) float64 {
	return math.Exp2(-math.Round(math.Log2(float64(k)) / 2))
}

// dtProj is the projection of rows tokens from rank to channels, an even
// number, with softplus.
func dtProj(rows, channels, rank int, t shaders.DType) kernelCase {
	p := shaders.DtProjParams{Rows: rows, Channels: channels, Rank: rank, Stride: rank + 32, Weights: t}
	c := single("dt_proj", []int{rows, channels, rank}, p, []array{
		floats("x", rows*p.Stride, -1, 1), weights("w", channels*rank, t, unit(rank)),
		floats("bias", channels, -4, -1), result("delta", rows*channels),
	}, func() (any, []view) {
		some, columns := spread(rows, sampledRows), spread(channels, sampledColumns)
		q := p
		q.Rows, q.Channels = len(some), len(columns)
		return q, []view{
			{index: grid(some, p.Stride, span(0, p.Stride))}, {index: transposed(columns, channels, rank)},
			{index: columns}, {index: grid(some, channels, columns)},
		}
	})
	c.bytes -= float64(4 * rows * 32) // B and C, which lie beside dt
	c.flops = 2 * float64(rows*channels*rank)
	return c.as(t)
}

// transposed is where the rows of w (channels, rank) for the given channels
// lie: device memory holds (rank, channels).
func transposed(some []int, channels, rank int) []int {
	var out []int
	for _, e := range some {
		for r := range rank {
			out = append(out, r*channels+e)
		}
	}
	return out
}
