package mamba

import (
	"fmt"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

// ModelConfig is the architecture of a Mamba-1 language model.
type ModelConfig = checkpoint.Config

// network is a model's parameters, states and activations, A being how a
// backend holds an array. Letters: B batch, L length, T = B L, d d_model,
// E d_inner, N d_state, K d_conv, R dt_rank, V vocabulary.
type network[A any] struct {
	config    ModelConfig
	embedding matrix[A] // (V, d)
	head      matrix[A] // (V, d), the embedding when tied
	normF     A         // (d)
	blocks    []block[A]
	act       activations[A]
	together  *together[A] // nil unless a step runs all layers at once
}

// block is one layer of the network.
type block[A any] struct {
	norm                 A         // (d)
	inProj               matrix[A] // (2E, d)
	inBias               A         // (2E), if UseBias
	conv                 A         // (E, K), then (E) if UseConvBias
	xProj                matrix[A] // (R + 2N, E)
	xTurned              A         // the same as in_proj_step reads it
	dtProj               A         // (E, R)
	dtType               shaders.DType
	dtBias               A         // (E)
	scan                 A         // A (E, N), then D (E), then dtBias (E)
	outProj              matrix[A] // (d, E)
	outColumns           A         // outProj by columns of blocks (shaders.BlockColumns), where a step has flows
	outBias              A         // (d), if UseBias
	small                A         // of in_proj_step: norm, conv and inBias, one after the other
	convState, scanState A         // (slots, E, K-1), (slots, E, N)
}

// matrix is a weight matrix, in as many arrays as a device's bindings ask for.
type matrix[A any] struct {
	dtype  shaders.DType
	cols   int
	shards []shard[A]
}

// shard is the rows first to first+rows of a matrix.
type shard[A any] struct {
	first, rows int
	data        A
}

// activations are the arrays that a chunk flows through.
type activations[A any] struct {
	ids      A   // (T) token ids
	slots    A   // (B) the state of each sequence, or (B, 3): state, first row, rows
	residual A   // (T, d)
	norm     A   // (T, d) normalised residual, then out_proj's result
	xz       A   // (T, 2E) in_proj: u, then z
	u        A   // (T, E) convolved
	p        A   // (T, R + 2N) x_proj: dt, B, C
	parts    A   // (groups, B, R+2N) x_proj's sums over groups of channels, of a step
	flows    []A // what a step's dispatches hand on, of each layer (shaders.StepFlow)
	delta    A   // (T, E)
	y        A   // (T, E)
	last     A   // (B, d) the last row of each sequence
	logits   A   // (rows, V)
	best     A   // (rows, 3, slices) the largest logits and their places
	scores   A   // (rows, 3, slices) the same of logits with noise
	draws    A   // (rows, 12) how tokens are chosen
	seen     A   // (rows, V/32) bits of the tokens that a sequence has
	bins     A   // (rows, 2, 1024) histograms of logits
	list     A   // (rows, V) scratch of drawing
	chosen   A   // (ring, rows) the tokens chosen last

	flowArrays [2]A // the flows of even layers and of odd ones
}

// stages runs the kernels of package shaders on one kind of machine. Methods
// take the same parameters and arrays in the same order.
type stages[A any] interface {
	embedding(p shaders.EmbeddingParams, ids, table, out A)
	rmsNorm(p shaders.RMSNormParams, x, weight, y A)
	matmul(p shaders.MatmulParams, a, w, bias, c A)
	causalConv(p shaders.CausalConvParams, x, weights, slots, state, y A)
	dtProj(p shaders.DtProjParams, x, w, bias, delta A)
	selectiveScan(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, y A)
	residualAdd(p shaders.ResidualAddParams, r, x A)
	lastRows(p shaders.LastRowsParams, x, slots, y A)
	peaks(p shaders.ChoiceParams, x, draws, seen, best A)
	gumbel(p shaders.ChoiceParams, x, best, draws, seen, scores A)
	choose(p shaders.ChoiceParams, best, seen, draws, chosen, ids A)
	histogram(p shaders.ChoiceParams, x, draws, seen, best, bins A)
	cut(p shaders.ChoiceParams, x, best, seen, draws, bins, list A)
	// note marks a point where an array's elements from first on, of the given
	// shape, are a stage's result.
	note(name string, x A, first int, shape ...int)
}

// batch is the shape of one forward pass and what it is to give.
type batch struct {
	rows, length int // B, L; of packed sequences L is the longest
	packing      shaders.Packing
	output       output
	choice       choice // of lastChoice
	slot         int    // the first row's state, for notes
	// embedded is whether act.residual has the embeddings of the tokens, as a step that
	// embeds its choice left them.
	embedded bool
}

// output is what a forward pass gives beside the states.
type output uint8

const (
	onlyState  output = iota
	lastLogits        // of the last token of each row
	lastChoice        // a token chosen by those, in act.ids
	allLogits         // of every token
)

func (b batch) tokens() int { return b.packing.Total(b.rows, b.length) }

// logitRows is the number of rows of logits.
func (b batch) logitRows() int {
	switch b.output {
	case onlyState:
		return 0
	case allLogits:
		return b.tokens()
	}
	return b.rows
}

// forward runs one chunk of every row through the network: the ids in
// act.ids, from and to the states of act.slots.
func forward[A any](s stages[A], n *network[A], b batch) {
	c, t := n.config, b.tokens()
	if !b.embedded {
		n.embed(s, b) // (B, L, d)
	}
	n.layers(s, b)
	if b.output == onlyState {
		return
	}
	x, rows := n.act.residual, t // (B, L, d)
	if b.output != allLogits && b.length > 1 {
		s.lastRows(shaders.LastRowsParams{Batch: b.rows, Length: b.length, Width: c.DModel, Packing: b.packing}, x, n.act.slots, n.act.last)
		x, rows = n.act.last, b.rows // (B, d)
	}
	head := shaders.MatmulParams{M: rows, K: c.DModel, LDA: c.DModel, LDC: c.VocabSize}
	n.normLinear(s, head, x, n.normF, n.head, *new(A), n.act.logits, func() {
		s.note("norm_f", n.act.norm, 0, b.rows, b.length, c.DModel)
	}) // (B, V) or (B, L, V)
	if b.output == allLogits {
		s.note("logits", n.act.logits, 0, b.rows, b.length, c.VocabSize)
	}
	if b.output == lastChoice {
		n.choose(s, b) // (B)
	}
}

// embed looks the tokens up.
func (n *network[A]) embed(s stages[A], b batch) {
	c := n.config
	for _, part := range n.embedding.shards {
		s.embedding(shaders.EmbeddingParams{
			Tokens: b.tokens(), Width: c.DModel, FirstRow: part.first, Rows: part.rows, Table: n.embedding.dtype,
		}, n.act.ids, part.data, n.act.residual) // (B, L, d)
	}
	s.note("embedding", n.act.residual, 0, b.rows, b.length, c.DModel)
}

// layers runs the layers one after the other.
func (n *network[A]) layers(s stages[A], b batch) {
	if f, ok := fusing(s); ok && b.length == 1 && !b.packing.Packed {
		form := f.stepForm(b)
		if form.together > 0 {
			n.stepTogether(f, form)
			return
		}
		if form.fused() {
			for i := range n.blocks {
				n.step(f, i, b, form)
			}
			return
		}
	}
	for i := range n.blocks {
		n.block(s, i, b)
	}
}

// block runs layer i: alg. 2 of arXiv 2312.00752 in a gated, pre-norm residual
// block.
func (n *network[A]) block(s stages[A], i int, b batch) {
	c, w, act, t := n.config, &n.blocks[i], &n.act, b.tokens()
	d, e, r, ns := c.DModel, c.DInner, c.DTRank, c.DState
	width := r + 2*ns
	note := func(stage string, x A, first int, shape ...int) {
		s.note(fmt.Sprintf("layer.%d.%s", i, stage), x, first, shape...)
	}

	inProj := shaders.MatmulParams{M: t, N: 2 * e, K: d, LDA: d, LDC: 2 * e, Bias: c.UseBias}
	n.normLinear(s, inProj, act.residual, w.norm, w.inProj, w.inBias, act.xz, func() {
		note("norm", act.norm, 0, b.rows, b.length, d) // (B, L, d)
	})
	note("in_proj", act.xz, 0, b.rows, b.length, 2*e) // (B, L, 2E)

	s.causalConv(shaders.CausalConvParams{
		Batch: b.rows, Length: b.length, Channels: e, Width: c.DConv, Stride: 2 * e, Bias: c.UseConvBias, SiLU: true,
		Packing: b.packing,
	}, act.xz, w.conv, act.slots, w.convState, act.u)
	note("conv", act.u, 0, b.rows, b.length, e)                                 // (B, L, E)
	note("conv_state", w.convState, b.slot*e*(c.DConv-1), b.rows, e, c.DConv-1) // (B, E, K-1)

	linear(s, shaders.MatmulParams{M: t, N: width, K: e, LDA: e, LDC: width}, act.u, w.xProj, *new(A), act.p)
	note("x_proj", act.p, 0, b.rows, b.length, width) // (B, L, R+2N)

	s.dtProj(shaders.DtProjParams{Rows: t, Channels: e, Rank: r, Stride: width, Weights: w.dtType}, act.p, w.dtProj, w.dtBias, act.delta)
	note("delta", act.delta, 0, b.rows, b.length, e) // (B, L, E)

	s.selectiveScan(shaders.SelectiveScanParams{
		Batch: b.rows, Length: b.length, Channels: e, States: ns,
		BCStride: width, OffB: r, OffC: r + ns, ZStride: 2 * e, OffZ: e, HasZ: true, HasD: true,
		Packing: b.packing,
	}, act.u, act.delta, act.p, act.xz, w.scan, act.slots, w.scanState, act.y)
	note("scan_gated", act.y, 0, b.rows, b.length, e)          // (B, L, E)
	note("ssm_state", w.scanState, b.slot*e*ns, b.rows, e, ns) // (B, E, N)

	outProj := shaders.MatmulParams{M: t, N: d, K: e, LDA: e, LDC: d, Bias: c.UseBias}
	n.addLinear(s, outProj, act.y, w.outProj, w.outBias, func() {
		note("out_proj", act.norm, 0, b.rows, b.length, d) // (B, L, d)
	})
	note("residual", act.residual, 0, b.rows, b.length, d) // (B, L, d)
}

// linear multiplies by a matrix shard by shard, each giving some columns of c.
func linear[A any](s stages[A], p shaders.MatmulParams, a A, w matrix[A], bias, c A) {
	p.Weights = w.dtype
	for _, part := range w.shards {
		p.N, p.OffC, p.OffBias = part.rows, part.first, part.first
		s.matmul(p, a, part.data, bias, c)
	}
}
