package train

import (
	"fmt"
	"strconv"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// builder makes a network's parameters on a machine out of a source of values.
type builder[A any] struct {
	machine machine[A]
	config  mamba.ModelConfig
	shapes  map[string][]int
	decays  func(name string, shape []int) bool
	values  func(name string) ([]float32, error)
	net     *network[A]
	sums    int // of squares so far
	err     error
}

// newNetwork makes a network without activations.
func newNetwork[A any](m machine[A], c mamba.ModelConfig, values func(name string) ([]float32, error), o *Options) (*network[A], error) {
	b := &builder[A]{machine: m, config: c, shapes: map[string][]int{}, decays: o.Decays, values: values}
	for name, shape := range c.Shapes() {
		b.shapes[name] = shape
	}
	b.net = &network[A]{config: c, blocks: make([]block[A], c.NLayer), halves: o.halves()}
	b.net.embedding = b.shards("backbone.embeddings.weight")
	for i := range b.net.blocks {
		b.net.blocks[i] = b.block("backbone.layers." + strconv.Itoa(i) + ".")
		b.net.blocks[i].recompute = o.Recompute(i)
	}
	b.net.normF = b.weight("backbone.norm_f.weight")
	b.net.head = b.net.embedding
	if !c.Tied {
		b.net.head = b.shards("lm_head.weight")
	}
	return b.net, b.err
}

func (b *builder[A]) block(prefix string) block[A] {
	mixer := prefix + "mixer."
	var w block[A]
	w.norm = b.weight(prefix + "norm.weight")
	w.inProj = b.weight(mixer + "in_proj.weight")
	if b.config.UseBias {
		w.inBias = b.weight(mixer + "in_proj.bias")
	}
	conv := []string{mixer + "conv1d.weight"}
	if b.config.UseConvBias {
		conv = append(conv, mixer+"conv1d.bias")
	}
	w.conv = b.weight(conv...)
	w.xProj = b.weight(mixer + "x_proj.weight")
	w.dtProj = b.weight(mixer + "dt_proj.weight")
	w.scan = b.weight(mixer+"A_log", mixer+"D", mixer+"dt_proj.bias")
	w.outProj = b.weight(mixer + "out_proj.weight")
	if b.config.UseBias {
		w.outBias = b.weight(mixer + "out_proj.bias")
	}
	return w
}

// weight makes an array of some tensors, unless something failed before.
func (b *builder[A]) weight(names ...string) *weight[A] {
	var parts []part
	for _, name := range names {
		parts = append(parts, b.part(name))
	}
	w := b.array(parts)
	for _, p := range w.parts {
		b.fill(w, p)
	}
	return w
}

// shards makes as few arrays as bindings allow of a matrix: whole groups of four
// rows, which are columns of a product.
func (b *builder[A]) shards(name string) []*weight[A] {
	whole, values := b.part(name), b.read(name)
	most := max(4, b.machine.maxWords()/whole.stride/4*4)
	var list []*weight[A]
	for first := 0; first < whole.rows && b.err == nil; first += most {
		p := whole
		p.firstRow, p.rows = first, min(most, whole.rows-first)
		w := b.array([]part{p})
		b.put(w, w.parts[0], values[first*p.cols:(first+p.rows)*p.cols])
		list = append(list, w)
	}
	return list
}

// array makes the array of parts, which lie in it one after the other.
func (b *builder[A]) array(parts []part) *weight[A] {
	w := &weight[A]{}
	for _, p := range parts {
		p.first, p.firstSum = w.words, b.sums
		w.parts = append(w.parts, p)
		w.words += p.span()
		b.sums += p.squares().Parts()
	}
	for _, a := range []struct {
		array *A
		label string
	}{{&w.value, ""}, {&w.gradient, "gradient of "}, {&w.m, "m of "}, {&w.v, "v of "}} {
		if b.err == nil {
			*a.array, b.err = b.machine.newArray(a.label+parts[0].Name, w.words)
		}
	}
	b.net.weights = append(b.net.weights, w)
	return w
}

// part lays a tensor out: matrices as products read them, all else densely.
func (b *builder[A]) part(name string) part {
	shape := b.shapes[name]
	p := part{Parameter: Parameter{name, shape, b.decays(name, shape)}, rows: 1, cols: 1}
	for _, n := range shape {
		p.cols *= n
	}
	p.stride = p.cols
	if checkpoint.IsMatrix(name) || isDtProj(name) {
		p.rows, p.cols = shape[0], shape[1]
		p.stride = b.machine.stride(p.cols)
	}
	return p
}

// read gets a tensor's values.
func (b *builder[A]) read(name string) (v []float32) {
	if b.err == nil {
		v, b.err = b.values(name)
	}
	if b.err == nil {
		b.err = checkValues(name, b.shapes[name], v)
	}
	return v
}

// fill writes the values of a tensor that is one part.
func (b *builder[A]) fill(w *weight[A], p part) { b.put(w, p, b.read(p.Name)) }

// put writes a part's values.
func (b *builder[A]) put(w *weight[A], p part, v []float32) {
	if b.err == nil {
		b.err = b.machine.write(w.value, p.first, p.spread(v))
	}
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
