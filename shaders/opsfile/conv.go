package opsfile

import (
	"slices"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// conv is a causal convolution from a zero state.
type conv struct {
	p                  shaders.CausalConvParams
	x, weight, bias, y *checkpoint.Tensor // bias may be nil
}

func parseConv(g *group) []operation {
	c := &conv{}
	var x, w []int
	c.x, x = g.dims("x", "B, D, L")
	c.weight, w = g.dims("weight", "D, K")
	g.size("weight", "width", w[1], 2, 8)
	c.weight = g.need("weight", x[1], w[1])
	c.bias = g.optional("bias", x[1])
	c.y = g.need("y", x...)
	silu, found := g.flag("silu")
	if !found {
		g.fail("silu", "no such tensor", "one element, 0 or 1")
	}
	c.p = shaders.CausalConvParams{
		Batch: x[0], Channels: x[1], Length: x[2], Width: w[1], Stride: x[1],
		Bias: c.bias != nil, SiLU: silu, Fresh: true,
	}
	if !g.differentiated() {
		return []operation{c}
	}
	return []operation{c, parseConvBackward(g, c)}
}

func (c *conv) kernel() string { return "causal_conv" }

// convY is the place of the output among a convolution's arguments.
const convY = 4

// args are x (B, L, D), the packed weights, slots, state and y.
func (c *conv) args() ([]arg, error) {
	var r reader
	p := c.p
	args := []arg{
		{name: "x", f32: one(r.swapped(parts{c.x}, p.Channels, p.Length))},
		{name: "weights", f32: slices.Concat(one(r.floats(parts{c.weight})), one(r.floats(some(c.bias))))},
		{name: "slots", u32: firstSlots(p.Batch)},
		{name: "state", f32: nans(p.Batch * p.Channels * (p.Width - 1))},
		{name: "y", f32: nans(p.Batch * p.Length * p.Channels), out: true},
	}
	return args, r.err
}

func (c *conv) twin(a []arg) {
	cpu.CausalConv(c.p, a[0].f32, a[1].f32, a[2].u32, a[3].f32, a[4].f32)
}

func (c *conv) scratch(*shaders.Kernels) int { return 0 }

func (c *conv) dispatch(k *shaders.Kernels, b []*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	return single(k.CausalConv(c.p, b[0], b[1], b[2], b[3], b[4]))
}

func (c *conv) outputs(a []arg) ([]Output, error) {
	var r reader
	y := r.floats(parts{c.y})
	return []Output{{
		Tensor: "y", Shape: c.y.Shape, Got: swapAxes(a[convY].f32, c.p.Length, c.p.Channels), Want: one(y), Scale: largest(y),
	}}, r.err
}
