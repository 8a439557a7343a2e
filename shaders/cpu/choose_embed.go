package cpu

import "github.com/mambagpu/mambagpu/shaders"

// ChooseEmbed is Choose, and leaves the chosen tokens' rows of table (TableRows, Columns)
// in out (Rows, Columns). The rows of tokens outside the table stay as they are.
func ChooseEmbed(p shaders.ChooseEmbedParams, scores []float32, seen, draws, chosen, ids []uint32, table, out []float32) {
	Choose(p.ChoiceParams, scores, seen, draws, chosen, ids)
	Embedding(shaders.EmbeddingParams{Tokens: p.Rows, Width: p.Columns, Rows: p.TableRows}, ids, table, out)
}
