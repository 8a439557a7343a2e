package train

import (
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
)

// network is a model's parameters and the arrays that a pass through it needs.
// Letters: B batch, L length, T = B L, d d_model, E d_inner, N d_state, K d_conv,
// R dt_rank, W = R + 2N, V vocabulary.
type network[A any] struct {
	config    mamba.ModelConfig
	embedding []*weight[A] // (V, d), in as many arrays as bindings ask for
	head      []*weight[A] // (V, d), the embedding when tied
	normF     *weight[A]   // (d)
	blocks    []block[A]
	keeps     []*kept[A]   // of the blocks, each once
	chunk     int          // C, the rows of logits at a time
	weights   []*weight[A] // all of these, in the order of the computation
	arenas    []*arena[A]  // that they lie in
	act       activations[A]
}

// block is the parameters of one layer and what it keeps for the backward pass.
type block[A any] struct {
	norm      *weight[A] // (d)
	inProj    *weight[A] // (2E, d)
	inBias    *weight[A] // (2E), if UseBias
	conv      *weight[A] // (E, K), then (E) if UseConvBias
	xProj     *weight[A] // (W, E)
	dtProj    *weight[A] // (E, R)
	scan      *weight[A] // A_log (E, N), then D (E), then dt_proj's bias (E)
	outProj   *weight[A] // (d, E)
	outBias   *weight[A] // (d), if UseBias
	recompute bool       // kept is filled again in the backward pass
	kept      *kept[A]   // that of all recomputed layers is one
}

// kept is what the backward pass of a layer needs of the forward pass beside the
// layer's input.
type kept[A any] struct {
	xz A // (T, 2E) in_proj: u, then z
	u  A // (T, E) convolved
	p  A // (T, W) x_proj: dt, B, C
	y  A // (T, E) scanned and gated
}

// activations are the arrays that a micro-batch flows through.
type activations[A any] struct {
	ids      A   // (T) token ids
	targets  A   // (T) the tokens that follow
	places   A   // of embedding_backward: where each token is
	slots    A   // (B) 0 to B-1: the rows of the states below
	residual []A // per layer (T, d): its input; then the last one's output

	norm    A // (T, d) normalised residual; backward its gradient
	delta   A // (T, E) W_dt dt; backward its gradient
	dres    A // (T, d) gradient of the residual
	du      A // (T, E) gradient of y, then of u
	dxz     A // (T, 2E)
	dp      A // (T, W)
	decays  A // A, D and the bias of dt, as the scan reads them
	ddecays A // their gradient

	convState A // (B, E, K-1) that the kernels leave
	scanState A // (B, E, N)

	logits A // (C, V) of a chunk of rows
	losses A // (T)

	sums    A // sums of squares of parts of the gradients
	control A // what the optimiser needs to know of a step: see update.go
	report  A // control, then sums, for the host
}

// layers runs a micro-batch through the network up to the last layer's output.
func (n *network[A]) layers(s operations[A], m micro) {
	c := n.config
	for _, w := range n.embedding {
		p := w.parts[0]
		s.embedding(shaders.EmbeddingParams{Tokens: m.tokens(), Width: c.DModel, FirstRow: p.firstRow, Rows: p.rows},
			n.act.ids, w.value, n.act.residual[0]) // (B, L, d)
	}
	for i := range n.blocks {
		n.forward(s, i, m)
	}
}

// learn runs a micro-batch forward and backward: gradients of scale times the sum of
// its losses are added to those of the parameters.
func (n *network[A]) learn(s operations[A], m micro, scale float32) {
	c, last := n.config, len(n.blocks)
	n.layers(s, m)
	n.loss(s, m, scale)
	s.rmsNormBackward(n.normBackward(m.tokens(), false),
		n.act.residual[last], n.normF.value, n.act.norm, n.act.dres, n.normF.gradient)
	for i := last - 1; i >= 0; i-- {
		n.backward(s, i, m)
	}
	for _, w := range n.embedding {
		p := w.parts[0]
		s.embeddingBackward(shaders.EmbeddingBackwardParams{
			Tokens: m.tokens(), Width: c.DModel, FirstRow: p.firstRow, Rows: p.rows, Stride: p.stride,
		}, n.act.places, n.act.dres, w.gradient)
	}
}

// evaluate adds the losses of a micro-batch to those in act.control.
func (n *network[A]) evaluate(s operations[A], m micro) {
	n.layers(s, m)
	n.loss(s, m, 0)
}
