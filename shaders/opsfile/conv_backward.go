package opsfile

import (
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// convBackward is the backward pass of a convolution. Of the gradients any may be
// missing.
type convBackward struct {
	*conv
	dy, dx, dweight, dbias *checkpoint.Tensor
}

func parseConvBackward(g *group, c *conv) operation {
	g.differentiates = true
	p := c.p
	b := &convBackward{
		conv: c, dy: g.need("dy", p.Batch, p.Channels, p.Length),
		dx: g.optional("grad.x", p.Batch, p.Channels, p.Length), dweight: g.optional("grad.weight", p.Channels, p.Width),
	}
	if c.bias != nil {
		b.dbias = g.optional("grad.bias", p.Channels)
	}
	return b
}

func (b *convBackward) kernel() string { return "causal_conv_backward" }

// The places of what the backward pass writes among its arguments.
const (
	convBackX       = 3
	convBackWeights = 4
)

// args are x (B, L, D), the packed weights, dy and room for the gradients, those of the
// weights zero, as they are added to.
func (b *convBackward) args() ([]arg, error) {
	var r reader
	args, err := b.conv.args()
	if err != nil {
		return nil, err
	}
	x, weights := args[0], args[1]
	return []arg{
		x, weights, {name: "dy", f32: one(r.swapped(parts{b.dy}, b.p.Channels, b.p.Length))},
		{name: "dx", f32: nans(len(x.f32)), out: true},
		{name: "dweights", f32: make([]float32, len(weights.f32)), out: true},
	}, r.err
}

func (b *convBackward) twin(a []arg) {
	cpu.CausalConvBackward(b.p, a[0].f32, a[1].f32, a[2].f32, a[3].f32, a[4].f32)
}

func (b *convBackward) scratch(k *shaders.Kernels) int { return k.CausalConvBackwardScratch(b.p) }

func (b *convBackward) dispatch(k *shaders.Kernels, a []*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	return k.CausalConvBackward(b.p, a[0], a[1], a[2], a[3], a[5], a[4])
}

func (b *convBackward) outputs(a []arg) ([]Output, error) {
	var r reader
	var list []Output
	add := func(tensor string, want *checkpoint.Tensor, got []float32) {
		list = append(list, r.outputs("grad."+tensor, some(want), [][]float32{got})...)
	}
	add("x", b.dx, swapAxes(a[convBackX].f32, b.p.Length, b.p.Channels))
	w, n := a[convBackWeights].f32, b.p.Channels*b.p.Width
	add("weight", b.dweight, w[:n])
	add("bias", b.dbias, w[n:])
	return list, r.err
}
