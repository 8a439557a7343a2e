package shaders

import (
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// XProjStepParams are the sizes of the part of a layer's step between in_proj and
// the scan, where InProjStep does not do it:
//
//	u = silu(sum_k conv[e,k] past[e,k] + conv_bias)  past = state, then u
//	parts[g] = sum over e in group g of W_x[:,e] u_e (Outputs)
//
// Arrays are laid out as those of InProjStep; conv (Channels, Taps) and conv_bias
// (Channels), if ConvBias is set, are packed in one as those of CausalConv.
type XProjStepParams struct {
	Rows     int // sequences
	Channels int // d_inner
	Taps     int // d_conv, 2 to 8
	Outputs  int // of x_proj
	Group    int // channels of a group: 8, 16, 32 or 64
	XWeights DType
	ConvBias bool
}

// xProjStepRows is the number of sequences of a workgroup where there are that many.
const xProjStepRows = 8

type xProjStepVariant struct {
	xParts
	Block    int // sequences of a workgroup
	Taps     int
	ConvBias bool
	Memory   int
}

// XProjStep dispatches the convolution of the first half of uz (Rows, 2 Channels) in
// place, from and to the state of the given slots (Rows), and its product with wx,
// W_x (Outputs, Channels), into parts (groups, Rows, PartsStride).
func (k *Kernels) XProjStep(p XProjStepParams, conv, slots, wx, state, uz, parts *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(conv, slots, wx, state, uz, parts); err != nil {
		return nil, err
	}
	v := p.variant()
	grid := [3]uint32{uint32(v.Groups), uint32(ceilDiv(p.Rows, v.Block)), 1}
	return k.dispatch("x_proj_step", v, uniform(p.Rows), grid, conv, slots, wx, state, uz, parts)
}

func (p XProjStepParams) variant() xProjStepVariant {
	v := xProjStepVariant{
		xParts: newXParts(p.Channels, p.Outputs, p.Group, 256, p.XWeights),
		Block:  min(p.Rows, xProjStepRows), Taps: p.Taps, ConvBias: p.ConvBias,
	}
	v.Memory = 4 * v.Block * (p.Group + 256)
	return v
}

// PartsStride is the number of elements of a row of parts.
func (p XProjStepParams) PartsStride() int { return partsStride(p.Outputs) }

// Groups is the number of groups of channels.
func (p XProjStepParams) Groups() int { return ceilDiv(p.Channels, p.Group) }

func (p XProjStepParams) check(conv, slots, wx, state, uz, parts *wgpu.Buffer) error {
	c := check{kernel: "x_proj_step"}
	c.size("Rows", p.Rows, 1, maxAxis)
	c.size("Channels", p.Channels, 1, maxAxis*8)
	c.size("Taps", p.Taps, 2, 8)
	c.size("Outputs", p.Outputs, 1, maxElements)
	c.group(p.Group, 8, 64)
	if c.err != nil {
		return c.err
	}
	weights := p.Channels * p.Taps
	if p.ConvBias {
		weights += p.Channels
	}
	c.words("conv", size(conv), weights)
	c.words("slots", size(slots), p.Rows)
	c.words("wx", size(wx), int(MatrixBytes(p.XWeights, p.Outputs, p.Channels)/4))
	c.words("state", size(state), p.Channels*(p.Taps-1))
	c.words("uz", size(uz), p.Rows*2*p.Channels)
	c.words("parts", size(parts), p.Groups()*p.Rows*p.PartsStride())
	return c.err
}

// group requires a power of two from lo to hi.
func (c *check) group(v, lo, hi int) {
	c.size("Group", v, lo, hi)
	if c.err == nil && v&(v-1) != 0 {
		c.err = &ShapeError{c.kernel, "Group", fmt.Sprint(v), "a power of two"}
	}
}
