package mamba

import "github.com/mambagpu/mambagpu/shaders"

// choice is how the next tokens of a batch are chosen. What differs between rows
// is in act.draws.
type choice struct {
	width   int  // vocabulary rows that may be chosen
	drawn   bool // by probability; else the most probable
	cut     bool // drawn, among those of top k and top p
	penalty bool // of tokens that a row has
}

// ring is the number of tokens of each row that act.chosen keeps.
const ring = 16

// choiceParams are the kernels' sizes for a batch that ends in a choice.
func (b batch) choiceParams(c ModelConfig) shaders.ChoiceParams {
	return shaders.ChoiceParams{
		Rows: b.rows, Width: b.choice.width, Stride: c.VocabSize, Ring: ring, Penalty: b.choice.penalty,
	}
}

// choose makes the tokens after the logits of each row (B, V) those that the next
// step takes in, and notes them in act.chosen.
func (n *network[A]) choose(s stages[A], b batch) {
	a, p := &n.act, b.choiceParams(n.config)
	s.peaks(p, a.logits, a.draws, a.seen, a.best)
	best := a.best
	if b.choice.cut {
		s.histogram(p, a.logits, a.draws, a.seen, a.best, a.bins)
		s.cut(p, a.logits, a.best, a.seen, a.draws, a.bins, a.list)
	}
	if b.choice.drawn {
		s.gumbel(p, a.logits, a.best, a.draws, a.seen, a.scores)
		best = a.scores
	}
	if f, ok := fusing(s); ok && n.embedsChoice(b) {
		f.chooseEmbed(shaders.ChooseEmbedParams{
			ChoiceParams: p, Columns: n.config.DModel, TableRows: n.config.VocabSize, Table: n.embedding.dtype,
		}, best, a.seen, a.draws, a.chosen, a.ids, n.embedding.shards[0].data, a.residual) // (B), (B, d)
		return
	}
	s.choose(p, best, a.seen, a.draws, a.chosen, a.ids)
}

// embedsChoice reports whether a step of a batch leaves the embeddings of the tokens that
// it chose in act.residual, where fused stages do it, so that the next step may go on
// from there.
func (n *network[A]) embedsChoice(b batch) bool {
	return b.output == lastChoice && b.length == 1 && !b.packing.Packed && len(n.embedding.shards) == 1
}
