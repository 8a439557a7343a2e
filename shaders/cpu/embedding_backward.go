package cpu

import (
	"cmp"

	"github.com/mambagpu/mambagpu/shaders"
)

// EmbeddingBackward is the gradient of [Embedding]:
//
//	dtable[ids[t]-FirstRow] += dx[t]   for ids[t] in [FirstRow, FirstRow+Rows)
//
// places are those of the ids, of [shaders.EmbeddingPlaces]. dx is (Tokens, Width),
// dtable (Rows, Width), its rows Stride elements apart if that is not 0.
func EmbeddingBackward(p shaders.EmbeddingBackwardParams, places []uint32, dx, dtable []float32) {
	row, stride := make([]float64, p.Width), cmp.Or(p.Stride, p.Width)
	shaders.EachToken(places, p.Tokens, func(id uint32, tokens []uint32) {
		at := int(id) - p.FirstRow
		if at < 0 || at >= p.Rows {
			return
		}
		clear(row)
		for _, t := range tokens {
			for i, v := range dx[int(t)*p.Width : (int(t)+1)*p.Width] {
				row[i] += float64(v)
			}
		}
		for i, v := range row {
			put(&dtable[at*stride+i], v, true)
		}
	})
}
