package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ChooseEmbedParams are the sizes of a choice that is followed by the look-up of the
// chosen tokens in the vocabulary table:
//
//	ids = Choose(best);  out[r] = table[ids[r]]
//
// A row of out whose token lies outside the table, as that of logits that are not finite
// may, is left as it is.
type ChooseEmbedParams struct {
	ChoiceParams
	Columns   int   // d_model
	TableRows int   // rows of the table
	Table     DType // storage type of the table
}

// ChooseEmbed dispatches taking the best of each row's slices in best (Rows, 3, Slices)
// as its token, as [Kernels.Choose], and copying its row of table (TableRows, Columns)
// into out (Rows, Columns).
func (k *Kernels) ChooseEmbed(p ChooseEmbedParams, best, seen, draws, chosen, ids, table, out *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "choose_embed"}
	c.size("Columns", p.Columns, 1, maxElements)
	c.size("TableRows", p.TableRows, 1, maxElements)
	if c.err != nil {
		return nil, c.err
	}
	return k.choiceOf("choose_embed", chooseEmbedVariant{p.Penalty, p.Table.String()},
		uniform(p.Rows, p.Width, p.Stride, p.Ring, p.Columns, p.TableRows), p.ChoiceParams, p.rowGrid(), []choiceBuffer{
			p.best(best), p.seen(seen), p.draws(draws), p.chosen(chosen), p.ids(ids),
			{"table", table, int(MatrixBytes(p.Table, p.TableRows, p.Columns) / 4)}, {"out", out, p.Rows * p.Columns},
		})
}

type chooseEmbedVariant struct {
	Penalty bool
	Weights string
}
