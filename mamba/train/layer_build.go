package train

import (
	"strings"

	"github.com/mambagpu/mambagpu/mamba"
)

// newLayerNetwork makes a layer without values and activations, and a network that is
// its parameters and what their update takes.
func newLayerNetwork[A any](m machine[A], w mamba.LayerWeights, o *Options) (*layerNetwork[A], *network[A], error) {
	b := &builder[A]{machine: m, shapes: map[string][]int{}, decays: o.Decays, matrix: isLayerMatrix}
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
	n.sProj.words += 3 * n.sProj.parts[0].stride // zeros up to S rows
	n.sBias.words += 3
	n.decays = b.weight("a_re", "a_im")
	n.scan = b.weight("B", "C", "D")
	n.outProj, n.outBias = b.weight("out_proj.weight"), b.weight("out_proj.bias")

	net := &network[A]{}
	if err := b.allocate(net); err != nil {
		return nil, nil, err
	}
	for _, a := range net.updating() {
		x, err := m.newArray(a.label, a.words)
		if err != nil {
			return nil, nil, err
		}
		*a.array = x
	}
	return n, net, nil
}

// isLayerMatrix reports whether a tensor of a layer is a matrix of products.
func isLayerMatrix(name string) bool { return strings.HasSuffix(name, "_proj.weight") }

// updating lists the arrays of an update.
func (n *network[A]) updating() []activation[A] {
	a := &n.act
	return []activation[A]{
		{&a.sums, "sums", n.sums()}, {&a.control, "control", controlWords}, {&a.report, "report", controlWords + n.sums()},
	}
}
