package cpu

import "github.com/mambagpu/mambagpu/shaders"

// Embedding copies the table's rows of the given ids:
//
//	out[t] = table[ids[t] - FirstRow]   for ids[t] in [FirstRow, FirstRow+Rows)
//
// and leaves the rows of out for other ids as they are. ids is (Tokens), table
// (Rows, Width), out (Tokens, Width).
func Embedding(p shaders.EmbeddingParams, ids []uint32, table, out []float32) {
	for t, id := range ids[:p.Tokens] {
		row := int(id) - p.FirstRow
		if row < 0 || row >= p.Rows {
			continue
		}
		copy(out[t*p.Width:(t+1)*p.Width], table[row*p.Width:(row+1)*p.Width])
	}
}
