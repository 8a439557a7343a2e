package shaders

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
