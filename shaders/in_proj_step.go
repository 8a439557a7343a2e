package shaders

import (
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// InProjStepParams are the sizes of the first half of a layer's step:
//
//	x = a / sqrt(mean a^2 + Eps) . gain              (Width)
//	(u, z) = W_in x + in_bias                        (2 Channels)
//	u = silu(sum_k conv[e,k] past[e,k] + conv_bias)  past = state, then u
//	parts[g] = sum over e in group g of W_x[:,e] u_e (Outputs)
//
// The parts' rows are padded to [InProjStepParams.PartsStride] elements. The state
// (slots, Channels, Taps-1) is that of CausalConv. What is small is packed in one
// array: gain (Width), conv (Channels, Taps), conv_bias (Channels) if ConvBias is
// set, in_bias (2 Channels) if Bias is set.
type InProjStepParams struct {
	Rows     int // sequences, 1 to MaxInProjStepRows
	Width    int // d_model
	Channels int // d_inner
	Taps     int // d_conv, 2 to 8
	Outputs  int // of x_proj, 1 to 256
	Group    int // channels of a group: 8, 16, ... 64
	Eps      float32
	Weights  DType // of W_in
	XWeights DType // of W_x
	ConvBias bool
	Bias     bool
	Split    bool // z is left to ScanGateStep; uz is u (Rows, Channels); behind the parts comes x
	Squares  int  // not 0, with Split and one row: a is what an OutProjStep with Next left, with so many sums of squares
}

// maxStepMemory is the workgroup memory that every device has.
const maxStepMemory = 16 << 10

// The largest Rows and Outputs that InProjStep takes.
const (
	MaxInProjStepRows    = 2
	MaxInProjStepOutputs = 256
)

type inProjStepVariant struct {
	rowDots
	xParts
	Taps           int
	NormQuads      int // of a row of x
	SquareSums     int // sums of squares behind it, 0 unless it is made ready
	ConvBias, Bias bool
	Split          bool
	Flow           *flowVariant // of FlowInStep
}

// InProjStep dispatches the half step of a (Rows, Width) with w, W_in (2 Channels,
// Width), and wx, W_x (Outputs, Channels), from and to the state of the given slots
// (Rows), into uz (Rows, 2 Channels) and parts (groups, Rows, PartsStride).
func (k *Kernels) InProjStep(p InProjStepParams, a, w, small, slots, wx, state, uz, parts *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(a, w, small, slots, wx, state, uz, parts); err != nil {
		return nil, err
	}
	v := p.variant(k.dev.Limits())
	groups := 2 * v.Groups
	if p.Split {
		groups = v.Groups
	}
	return k.dispatch("in_proj_step", v, p.uniform(), spread(groups), a, w, small, slots, wx, state, uz, parts)
}

// variant shares the rows of a group by what a device has.
func (p InProjStepParams) variant(l wgpu.Limits) inProjStepVariant {
	shape := rowShape{p.Rows, 2 * p.Channels, p.Width, p.Weights, true}
	if p.Squares > 0 {
		v, _ := p.ready(l)
		return v
	}
	if shape.holdsGroup() {
		if v := p.of(shape.heldGroup(p.Group, p.Outputs)); v.Threads <= 256 && v.Memory <= maxStepMemory {
			return v
		}
	}
	return p.of(shape.grouped(p.Group, p.Outputs))
}

// readyInvocations bounds those of a workgroup with a group of rows made ready, of which a
// processor runs one.
const readyInvocations = 800

// ready has so many sets of lanes that each has eight blocks of weights on their way, as
// far as there are invocations and memory, and reports whether there are for one.
func (p InProjStepParams) ready(l wgpu.Limits) (v inProjStepVariant, fits bool) {
	shape := rowShape{p.Rows, 2 * p.Channels, p.Width, p.Weights, true}
	lanes, most := shape.heldLanes(), int(min(l.MaxInvocations, l.MaxWorkgroupSizeX))
	flying := max(8/ceilDiv(shape.blocks(), lanes), 1)
	for sets := max(min(ceilDiv(p.Group, flying), min(most, readyInvocations)/lanes), 1); sets > 0; sets-- {
		each := ceilDiv(p.Group, sets)
		rows := shape.held(lanes, sets, each, flight(each, flying), max(p.Outputs, p.Group)).planar()
		rows.Columns = p.Group
		v = p.of(rows)
		if v.Threads <= most && v.Memory <= int(l.MaxWorkgroupMemory) {
			return v, true
		}
	}
	return v, false
}

// InProjStepReadies reports whether a device has room for a step with Squares. Of float32 it
// has not been measured.
func InProjStepReadies(p InProjStepParams, l wgpu.Limits) bool {
	if p.Weights == F32 || p.Rows > 1 || !p.Split || p.Width%Stride(p.Weights, 1) != 0 {
		return false
	}
	p.Squares = 1
	_, fits := p.ready(l)
	return fits
}

// of completes a choice of rows and lanes.
func (p InProjStepParams) of(rows rowDots) inProjStepVariant {
	v := inProjStepVariant{
		rowDots: rows, xParts: newXParts(p.Channels, p.Outputs, p.Group, rows.Threads, p.XWeights).turned(p.XWeights),
		Taps: p.Taps, NormQuads: p.Width / 4, SquareSums: p.Squares, ConvBias: p.ConvBias, Bias: p.Bias, Split: p.Split,
	}
	v.vectors(p.Weights, p.Width%4 == 0)
	v.Conv, v.Keep = true, p.Split && p.Squares == 0
	v.Memory += 4 * p.Rows * (p.Outputs*v.Shares + p.Group)
	return v
}

// activations is the number of elements of a.
func (p InProjStepParams) activations() int {
	if p.Squares > 0 {
		return p.Width + ceilDiv(p.Squares, 4)*4
	}
	return p.Rows * p.Width
}

// outputs is the number of elements of a row of uz.
func (p InProjStepParams) outputs() int {
	if p.Split {
		return p.Channels
	}
	return 2 * p.Channels
}

// PartsStride is the number of elements of a row of parts.
func (p InProjStepParams) PartsStride() int { return partsStride(p.Outputs) }

// PartsCount is the number of elements of parts.
func (p InProjStepParams) PartsCount() int {
	n := p.Groups() * p.Rows * p.PartsStride()
	if p.Split {
		n += normCount(p.Rows, p.Width)
	}
	return n
}

// Groups is the number of groups of channels.
func (p InProjStepParams) Groups() int { return ceilDiv(p.Channels, p.Group) }

// offsets are those of conv, conv_bias and in_bias in the small array, and its size.
func (p InProjStepParams) offsets() (conv, convBias, inBias, end int) {
	conv = p.Width
	convBias = conv + p.Channels*p.Taps
	inBias = convBias
	if p.ConvBias {
		inBias += p.Channels
	}
	end = inBias
	if p.Bias {
		end += 2 * p.Channels
	}
	return conv, convBias, inBias, end
}

func (p InProjStepParams) uniform() []byte {
	conv, convBias, inBias, _ := p.offsets()
	return uniform(p.Eps, conv, convBias, inBias)
}

func (p InProjStepParams) check(a, w, small, slots, wx, state, uz, parts *wgpu.Buffer) error {
	c := check{kernel: "in_proj_step"}
	c.step(p)
	if c.err != nil {
		return c.err
	}
	c.words("a", size(a), p.activations())
	c.stepArrays(p, w, small, slots, wx, state)
	c.words("uz", size(uz), p.Rows*p.outputs())
	c.words("parts", size(parts), p.PartsCount())
	return c.err
}

// step requires sizes that in_proj_step takes.
func (c *check) step(p InProjStepParams) {
	c.size("Rows", p.Rows, 1, MaxInProjStepRows)
	c.size("Width", p.Width, 1, maxElements)
	c.size("Channels", p.Channels, 1, maxElements/2)
	c.size("Taps", p.Taps, 2, 8)
	c.size("Outputs", p.Outputs, 1, MaxInProjStepOutputs)
	c.size("Group", p.Group, 8, 64)
	if p.Group%8 != 0 && c.err == nil {
		c.err = &ShapeError{c.kernel, "Group", fmt.Sprint(p.Group), "a multiple of 8"}
	}
	c.off("Bias with Split", p.Bias && p.Split)
	c.size("Squares", p.Squares, 0, maxElements)
	c.off("Squares without Split", p.Squares > 0 && !p.Split)
	c.off("Squares of several rows", p.Squares > 0 && p.Rows > 1)
	if p.Split {
		c.whole("Width", p.Width, p.Weights)
	}
}

// stepArrays requires the sizes of in_proj_step's parameters and state.
func (c *check) stepArrays(p InProjStepParams, w, small, slots, wx, state *wgpu.Buffer) {
	_, _, _, words := p.offsets()
	c.words("w", size(w), int(MatrixBytes(p.Weights, 2*p.Channels, p.Width)/4))
	c.words("small", size(small), words)
	c.words("slots", size(slots), p.Rows)
	c.words("wx", size(wx), int(MatrixBytes(p.XWeights, p.Outputs, p.Channels)/4))
	c.words("state", size(state), p.Channels*(p.Taps-1))
}
