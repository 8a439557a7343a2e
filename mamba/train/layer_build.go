package train

import (
	"strings"

	"github.com/mambagpu/mambagpu/mamba"
)

// layerBuilder makes a layer's parameters on a machine.
type layerBuilder[A any] struct{ builder[A] }

// newLayerNetwork makes a layer without activations, and a network that is its
// parameters and what their update takes.
func newLayerNetwork[A any](m machine[A], w mamba.LayerWeights, o *Options) (*layerNetwork[A], *network[A], error) {
	b := &layerBuilder[A]{builder[A]{
		machine: m, shapes: map[string][]int{}, decays: o.Decays, net: &network[A]{},
		values: func(name string) ([]float32, error) { return w.Tensors[name].Data, nil },
	}}
	for name, t := range w.Tensors {
		b.shapes[name] = t.Shape
	}
	n := &layerNetwork[A]{config: w.Config}
	if w.Config.Norm != mamba.NormNone {
		n.norm = b.weight("norm.weight")
	}
	if w.Config.Norm == mamba.NormLayer {
		n.normBias = b.weight("norm.bias")
	}
	n.inProj, n.inBias = b.weight("in_proj.weight"), b.weight("in_proj.bias")
	n.conv = b.weight("conv1d.weight", "conv1d.bias")
	n.sProj, n.sBias = b.weight("s_proj.weight"), b.weight("s_proj.bias")
	n.decays = b.weight("a_re", "a_im")
	n.scan = b.weight("B", "C", "D")
	n.outProj, n.outBias = b.weight("out_proj.weight"), b.weight("out_proj.bias")
	for _, a := range b.updating() {
		if b.err == nil {
			*a.array, b.err = m.newArray(a.label, a.words)
		}
	}
	return n, b.net, b.err
}

// updating lists the arrays of an update.
func (b *layerBuilder[A]) updating() []activation[A] {
	a := &b.net.act
	return []activation[A]{
		{&a.sums, "sums", b.sums}, {&a.control, "control", controlWords}, {&a.report, "report", controlWords + b.sums},
	}
}

// weight makes an array of some tensors, unless something failed before.
func (b *layerBuilder[A]) weight(names ...string) *weight[A] {
	w := &weight[A]{}
	for _, name := range names {
		p := b.part(name)
		p.first, p.firstSum = w.words, b.sums
		w.parts = append(w.parts, p)
		w.words += p.span()
		b.sums += p.squares().Parts()
	}
	words := w.words
	switch names[0] { // zeros up to S rows
	case "s_proj.weight":
		words += 3 * w.parts[0].stride
	case "s_proj.bias":
		words += 3
	}
	for _, a := range []activation[A]{
		{&w.value, names[0], words}, {&w.gradient, "gradient of " + names[0], words},
		{&w.m, "m of " + names[0], words}, {&w.v, "v of " + names[0], words},
	} {
		if b.err == nil {
			*a.array, b.err = b.machine.newArray(a.label, a.words)
		}
	}
	for _, p := range w.parts {
		b.fill(w, p)
	}
	b.net.weights = append(b.net.weights, w)
	return w
}

// part lays a tensor out: matrices of products as these read them, all else densely.
func (b *layerBuilder[A]) part(name string) part {
	shape := b.shapes[name]
	p := part{Parameter: Parameter{name, shape, b.decays(name, shape)}, rows: 1, cols: 1}
	for _, n := range shape {
		p.cols *= n
	}
	p.stride = p.cols
	if strings.HasSuffix(name, "_proj.weight") {
		p.rows, p.cols = shape[0], shape[1]
		p.stride = b.machine.stride(p.cols)
	}
	return p
}
