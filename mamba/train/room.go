package train

import (
	"errors"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// maxTokens is the number of workgroups that every device takes along an axis: the
// kernels' grids have a row for each token.
const maxTokens = 65535

// activation is an array that has so many words for each token.
type activation[A any] struct {
	array *A
	label string
	words int
}

// perToken lists the activations that have a row for each token, with those that the
// layers keep.
func (n *network[A]) perToken() []activation[A] {
	c, a := n.config, &n.act
	d, e, w := c.DModel, c.DInner, n.projWidth()
	list := []activation[A]{
		{&a.norm, "norm", d}, {&a.delta, "delta", e}, {&a.dres, "gradient of residual", d},
		{&a.du, "gradient of u", e}, {&a.dxz, "gradient of in_proj", 2 * e}, {&a.dp, "gradient of x_proj", w},
		{&a.losses, "losses", 1},
	}
	for i := range a.residual {
		list = append(list, activation[A]{&a.residual[i], "residual", d})
	}
	for _, k := range n.keeps {
		list = append(list,
			activation[A]{&k.xz, "in_proj", 2 * e}, activation[A]{&k.u, "conv", e},
			activation[A]{&k.p, "x_proj", w}, activation[A]{&k.y, "scan", e})
	}
	return list
}

// wordsPerToken counts the words that a token of a batch takes: what is kept of the
// layers grows with their number, all else does not.
func (n *network[A]) wordsPerToken() int {
	words := 0
	for _, a := range n.perToken() {
		words += a.words
	}
	return words
}

// widest is the most words that a token has in one array.
func (n *network[A]) widest() int {
	most := 0
	for _, a := range n.perToken() {
		most = max(most, a.words)
	}
	return most
}

// layOut decides what the layers keep: each its own, or one for all that are
// recomputed.
func (n *network[A]) layOut() {
	n.act.residual = make([]A, len(n.blocks)+1)
	var shared *kept[A]
	for i := range n.blocks {
		b := &n.blocks[i]
		if b.recompute && shared != nil {
			b.kept = shared
			continue
		}
		b.kept = &kept[A]{}
		n.keeps = append(n.keeps, b.kept)
		if b.recompute {
			shared = b.kept
		}
	}
}

// perBatch lists the activations that do not have a row for each token.
func (n *network[A]) perBatch(m micro) []activation[A] {
	c, a := n.config, &n.act
	decays := c.DInner * (c.DState + 2)
	return append([]activation[A]{
		{&a.convState, "conv_state", m.rows * c.DInner * (c.DConv - 1)}, {&a.scanState, "ssm_state", m.rows * c.DInner * c.DState},
		{&a.decays, "decays", decays}, {&a.ddecays, "gradient of decays", decays},
		{&a.logits, "logits", n.chunk * c.VocabSize},
	}, n.updating()...)
}

// integers lists the arrays of integers.
func (n *network[A]) integers(m micro) []activation[A] {
	a, t := &n.act, m.tokens()
	return []activation[A]{
		{&a.ids, "ids", t}, {&a.targets, "targets", t}, {&a.places, "places", shaders.EmbeddingPlacesWords(t)}, {&a.slots, "slots", m.rows},
	}
}

// allocate makes the activations of a micro-batch and what training it needs beside.
func (e *engine[A]) allocate(m micro) error {
	n := e.net
	t := m.tokens()
	n.chunk = e.chunkRows(t)
	for _, a := range n.perToken() {
		if err := e.replace(a, a.words*t, e.machine.newArray); err != nil {
			return err
		}
	}
	for _, a := range n.perBatch(m) {
		if err := e.replace(a, a.words, e.machine.newArray); err != nil {
			return err
		}
	}
	for _, a := range n.integers(m) {
		if err := e.replace(a, a.words, e.machine.newWords); err != nil {
			return err
		}
	}
	slots := make([]uint32, m.rows)
	for i := range slots {
		slots[i] = uint32(i)
	}
	if err := e.machine.writeWords(n.act.slots, slots); err != nil {
		return err
	}
	return e.machine.reserve(func(s operations[A]) { n.learn(s, m, 1) })
}

// replace makes a larger or smaller array in place of another.
func (e *engine[A]) replace(a activation[A], words int, make func(label string, words int) (A, error)) error {
	e.machine.release(*a.array)
	*a.array = *new(A)
	x, err := make(a.label, words)
	if err == nil {
		*a.array = x
	}
	return err
}

// chunkRows is the number of rows of logits that LogitBytes and a binding hold: whole
// tiles of a product if it is more than one.
func (e *engine[A]) chunkRows(tokens int) int {
	v := e.net.config.VocabSize
	rows := int(min(e.opts.LogitBytes/4, uint64(e.machine.batchWords()))) / v
	if rows > 128 {
		rows = rows / 128 * 128
	}
	return max(1, min(rows, tokens))
}

// fit makes room for as many sequences at a time as asked for, or where memory does
// not suffice, for half as many, and so on.
func (e *engine[A]) fit(rows int) error {
	length := e.opts.SeqLen
	most := min(maxTokens, e.machine.batchWords()/e.net.widest()) / length
	for rows = max(1, min(rows, most)); ; rows /= 2 {
		err := e.allocate(micro{rows, length})
		if err == nil {
			e.rows = rows
			return nil
		}
		if rows == 1 || !exhausted(err) {
			return err
		}
	}
}

// exhausted reports whether err is for want of room on the device.
func exhausted(err error) bool {
	var limit *wgpu.LimitError
	var memory *wgpu.MemoryError
	return errors.As(err, &limit) || errors.As(err, &memory)
}
