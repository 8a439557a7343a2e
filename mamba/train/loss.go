package train

import "github.com/mambagpu/mambagpu/shaders"

// loss makes logits of the last layer's output, and of those losses, a chunk of rows
// at a time: their memory does not grow with the batch. With a scale other than 0
// the gradient of scale times the sum of losses takes the place of the normalised
// residual in act.norm, chunk by chunk as that is used up.
func (n *network[A]) loss(s operations[A], m micro, scale float32) {
	act, t := &n.act, m.tokens()
	s.rmsNorm(n.normParams(t), act.residual[len(n.blocks)], n.normF.value, act.norm)
	for first := 0; first < t; first += n.chunk {
		rows := min(n.chunk, t-first)
		head := n.headRows(first, rows)
		for _, l := range head {
			l.forward(s, act.norm, act.logits, false) // (rows, V)
		}
		s.crossEntropy(shaders.CrossEntropyParams{
			Rows: rows, Vocab: n.config.VocabSize, OffTarget: first, OffLoss: first, Scale: scale, Gradient: scale != 0,
		}, act.logits, act.targets, act.losses)
		if scale == 0 {
			continue
		}
		for _, l := range head {
			l.weights(s, act.logits, act.norm)
		}
		for i, l := range head {
			l.input(s, act.logits, act.norm, i > 0)
		}
	}
	s.columnSums(shaders.ColumnSumsParams{Rows: t, Columns: 1, Stride: 1, OffOut: controlLoss}, act.losses, act.control)
}

// headRows is the product of rows of the normalised residual with the output matrix,
// array by array.
func (n *network[A]) headRows(first, rows int) []linear[A] {
	d := n.config.DModel
	var list []linear[A]
	for _, w := range n.head {
		list = append(list, linear[A]{
			w: w, rows: rows, ldx: d, offX: first * d, ldy: n.config.VocabSize, offY: w.parts[0].firstRow,
		})
	}
	return list
}
