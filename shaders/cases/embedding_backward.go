package cases

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func embeddingBackwardCases() []Case {
	const piece = shaders.PieceTokens
	var list []Case
	add := func(name string, p shaders.EmbeddingBackwardParams, ids []uint32) {
		p.Tokens = len(ids)
		list = append(list, embeddingBackwardCase(name, p, ids))
	}
	for _, width := range []int{1, 3, 7, 64, 255, 256, 257, 768} {
		add(fmt.Sprintf("width %d", width), shaders.EmbeddingBackwardParams{Width: width, Rows: 50}, []uint32{0, 49, 7, 7, 48, 1, 25, 49, 0})
		add(fmt.Sprintf("width %d, pieces", width), shaders.EmbeddingBackwardParams{Width: width, Rows: 3}, spreadIDs(100, 3, 2))
	}
	for _, n := range []int{1, 7, 8, 9, piece, piece + 1, 2 * piece, 2*piece + 1, 40 * piece} {
		add(fmt.Sprintf("one id %d times", n), shaders.EmbeddingBackwardParams{Width: 12, Rows: 4}, spreadIDs(n, 4, 1))
	}
	add("a few frequent ids among many", shaders.EmbeddingBackwardParams{Width: 20, Rows: 3000}, frequentIDs(6000, 3000))
	add("first shard, ids past its end", shaders.EmbeddingBackwardParams{Width: 8, Rows: 10}, []uint32{9, 10, 0, 50279, 3, 9, math.MaxUint32})
	add("second shard, ids on both sides", shaders.EmbeddingBackwardParams{Width: 8, FirstRow: 100, Rows: 20},
		append([]uint32{99, 100, 119, 120, 0, 110, 19, math.MaxUint32}, spreadIDs(200, 150, 3)...))
	add("rows with a gap", shaders.EmbeddingBackwardParams{Width: 7, Rows: 5, Stride: 8}, spreadIDs(90, 5, 3))
	add("rows with a gap of whole vectors", shaders.EmbeddingBackwardParams{Width: 8, Rows: 5, Stride: 12}, spreadIDs(90, 5, 3))
	add("whole vectors, rows off them", shaders.EmbeddingBackwardParams{Width: 8, Rows: 5, Stride: 9}, spreadIDs(90, 5, 3))
	add("more pieces than rows", shaders.EmbeddingBackwardParams{Width: 8, FirstRow: 500, Rows: 1}, ascendingIDs(1000))
	return list
}

// spreadIDs is n ids of which there are so many, evenly among rows.
func spreadIDs(n, rows, kinds int) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(i % kinds * (rows - 1) / max(1, kinds-1))
	}
	return ids
}

// frequentIDs is n ids among rows, of which the smallest are the most frequent.
func frequentIDs(n, rows int) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(math.Pow(float64(rows), float64(i*7919%n)/float64(n)) - 1)
	}
	return ids
}

func ascendingIDs(n int) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(i)
	}
	return ids
}

// embeddingBackwardCase adds up rows of order 1, up to 1280 of the same id, in pieces
// of 32: a few units in the last place of the largest sum.
func embeddingBackwardCase(name string, p shaders.EmbeddingBackwardParams, ids []uint32) Case {
	return Case{Name: name, Params: p, Tol: Tolerance{Abs: 1e-6, Rel: 1e-6}, fill: func(s *source) []Arg {
		touched := make([]bool, p.Rows)
		for _, id := range ids {
			if row := int(id) - p.FirstRow; row >= 0 && row < p.Rows {
				touched[row] = true
			}
		}
		stride := max(p.Stride, p.Width)
		table := repeat(p.Rows*stride, Untouched)
		for row, yes := range touched {
			if yes {
				copy(table[row*stride:], s.normal(p.Width))
			}
		}
		return []Arg{ints("places", shaders.EmbeddingPlaces(ids)), in("dx", s.normal(p.Tokens*p.Width)), out("dtable", table)}
	}}
}
