package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// EmbeddingParams are the sizes of one embedding look-up:
//
//	out[t] = table[ids[t] - FirstRow]   for ids[t] in [FirstRow, FirstRow+Rows)
//
// Rows of out whose id lies outside the range are left as they are, so that a
// table held in several buffers takes one dispatch a buffer.
type EmbeddingParams struct {
	Tokens   int   // number of ids
	Width    int   // d_model
	FirstRow int   // vocabulary row that the table starts with
	Rows     int   // rows of the table
	Table    DType // storage type of the table
}

// Embedding dispatches the look-up of ids (Tokens) in table (Rows, Width) into
// out (Tokens, Width).
func (k *Kernels) Embedding(p EmbeddingParams, ids, table, out *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "embedding"}
	c.size("Tokens", p.Tokens, 1, maxAxis)
	c.size("Width", p.Width, 1, maxElements)
	c.size("FirstRow", p.FirstRow, 0, maxElements)
	c.size("Rows", p.Rows, 1, maxElements)
	c.words("ids", size(ids), p.Tokens)
	c.words("table", size(table), int(MatrixBytes(p.Table, p.Rows, p.Width)/4))
	c.words("out", size(out), p.Tokens*p.Width)
	if c.err != nil {
		return nil, c.err
	}
	grid := [3]uint32{uint32(ceilDiv(p.Width, 256)), uint32(p.Tokens), 1}
	return k.dispatch("embedding", weightsVariant{p.Table.String()},
		uniform(p.Width, p.FirstRow, p.Rows, p.Tokens), grid, ids, table, out)
}

// weightsVariant is the variant of a kernel that differs by the storage type
// of its weights alone.
type weightsVariant struct{ Weights string }
