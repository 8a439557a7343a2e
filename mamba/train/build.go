package train

import (
	"fmt"
	"strconv"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// builder lays out the parameters of a network, and makes their arrays on a machine.
type builder[A any] struct {
	machine machine[A]
	shapes  map[string][]int
	decays  func(name string, shape []int) bool
	matrix  func(name string) bool // of products: its rows are a stride apart
	weights []*weight[A]
}

// newNetwork makes a network without values and activations.
func newNetwork[A any](m machine[A], c mamba.ModelConfig, o *Options) (*network[A], error) {
	b := &builder[A]{machine: m, shapes: map[string][]int{}, decays: o.Decays, matrix: isMatrix}
	for name, shape := range c.Shapes() {
		b.shapes[name] = shape
	}
	n := &network[A]{config: c, blocks: make([]block[A], c.NLayer)}
	n.embedding = b.shards("backbone.embeddings.weight")
	for i := range n.blocks {
		n.blocks[i] = b.block(c, "backbone.layers."+strconv.Itoa(i)+".")
		n.blocks[i].recompute = o.Recompute(i)
	}
	n.normF = b.weight("backbone.norm_f.weight")
	n.head = n.embedding
	if !c.Tied {
		n.head = b.shards("lm_head.weight")
	}
	return n, b.allocate(n)
}

// isMatrix reports whether a tensor of a model is a matrix of products.
func isMatrix(name string) bool { return checkpoint.IsMatrix(name) || isDtProj(name) }

func (b *builder[A]) block(c mamba.ModelConfig, prefix string) block[A] {
	mixer := prefix + "mixer."
	var w block[A]
	w.norm = b.weight(prefix + "norm.weight")
	w.inProj = b.weight(mixer + "in_proj.weight")
	if c.UseBias {
		w.inBias = b.weight(mixer + "in_proj.bias")
	}
	conv := []string{mixer + "conv1d.weight"}
	if c.UseConvBias {
		conv = append(conv, mixer+"conv1d.bias")
	}
	w.conv = b.weight(conv...)
	w.xProj = b.weight(mixer + "x_proj.weight")
	w.dtProj = b.weight(mixer + "dt_proj.weight")
	w.scan = b.weight(mixer+"A_log", mixer+"D", mixer+"dt_proj.bias")
	w.outProj = b.weight(mixer + "out_proj.weight")
	if c.UseBias {
		w.outBias = b.weight(mixer + "out_proj.bias")
	}
	return w
}

// weight lays out some tensors, one after the other.
func (b *builder[A]) weight(names ...string) *weight[A] {
	w := &weight[A]{}
	for _, name := range names {
		p := b.part(name)
		p.first = w.words
		w.parts = append(w.parts, p)
		w.words += p.span()
	}
	b.weights = append(b.weights, w)
	return w
}

// shards lays out a matrix as as few weights as bindings allow: whole groups of four
// rows, which are columns of a product.
func (b *builder[A]) shards(name string) []*weight[A] {
	whole := b.part(name)
	most := max(4, b.machine.maxWords()/whole.stride/4*4)
	var list []*weight[A]
	for first := 0; first < whole.rows; first += most {
		p := whole
		p.firstRow, p.rows = first, min(most, whole.rows-first)
		list = append(list, &weight[A]{parts: []part{p}, words: p.span()})
	}
	b.weights = append(b.weights, list...)
	return list
}

// part lays a tensor out: matrices as products read them, all else densely.
func (b *builder[A]) part(name string) part {
	shape := b.shapes[name]
	p := part{Parameter: Parameter{name, shape, b.decays(name, shape)}, rows: 1, cols: 1}
	for _, n := range shape {
		p.cols *= n
	}
	p.stride = p.cols
	if b.matrix(name) {
		p.rows, p.cols = shape[0], shape[1]
		p.stride = b.machine.stride(p.cols)
	}
	return p
}

// allocate makes the arrays of all weights laid out, which become the network's.
func (b *builder[A]) allocate(n *network[A]) error {
	n.weights = b.weights
	n.arenas = layArenas(b.weights, b.machine.alignment(), min(b.machine.maxWords(), arenaWords))
	for _, a := range n.arenas {
		if err := a.allocate(b.machine); err != nil {
			return err
		}
	}
	return nil
}

// checkValues returns an error unless v are values of a tensor of that shape.
func checkValues(name string, shape []int, v []float32) error {
	n := 1
	for _, d := range shape {
		n *= d
	}
	if len(v) != n {
		return &ParameterError{name, fmt.Sprintf("%d values", len(v)), fmt.Sprintf("%d, of shape %v", n, shape)}
	}
	return nil
}
