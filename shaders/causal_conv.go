package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// CausalConvParams are the sizes of one depthwise causal convolution over
// time, with the Width-1 inputs before the first one taken from a state:
//
//	y[b,t,e] = act(sum_k w[e,k] * x[b, t-Width+1+k, e] + bias[e])
//
// x is read at x[row*Stride + Offset + e], row being b*Length+t unless
// sequences are packed; y is dense.
// The state (slots, Channels, Width-1) holds the latest inputs, oldest first;
// batch row b uses slot slots[b], which is read and then replaced.
// The weights are packed in one array: w (Channels, Width), then bias
// (Channels) if Bias is set.
//
// If Halves is set, x and y lie in halves, as [RoundHalf] says.
type CausalConvParams struct {
	Batch, Length, Channels int
	Width                   int // d_conv, 2 to 8
	Stride, Offset          int
	Bias                    bool
	SiLU                    bool // act is silu, otherwise the identity
	Fresh                   bool // the state read is zero, whatever the slot holds
	Halves                  bool // Length is even; not with Packing, nor in CausalConvStep
	Packing
}

// convSteps is the number of steps that an invocation of causal_conv walks. It
// is at least the largest width less one, so that only the first tile reads
// the state.
const convSteps = 32

type convVariant struct {
	Width, Steps      int
	Bias, SiLU, Fresh bool
	Halves, Packed    bool
}

// Each is the number of steps that an invocation reads and writes together.
func (v convVariant) Each() int {
	if v.Halves {
		return 2
	}
	return 1
}

// CausalConv dispatches the convolution of x with the packed weights into y
// (Batch, Length, Channels), from and to the state of the given slots (Batch).
func (k *Kernels) CausalConv(p CausalConvParams, x, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check("causal_conv", maxAxis*convSteps, x, weights, slots, state, y); err != nil {
		return nil, err
	}
	grid := [3]uint32{uint32(ceilDiv(p.Channels, 64)), uint32(ceilDiv(p.Length, convSteps)), uint32(p.Batch)}
	return k.dispatch("causal_conv", p.variant(), p.uniform(), grid, x, weights, slots, state, y)
}

func (p CausalConvParams) variant() convVariant {
	return convVariant{p.Width, convSteps, p.Bias, p.SiLU, p.Fresh, p.Halves, p.Packed}
}

func (p CausalConvParams) uniform() []byte {
	return uniform(p.Length, p.Channels, p.Stride, p.Offset)
}

func (p CausalConvParams) check(kernel string, maxLength int, x, weights, slots, state, y *wgpu.Buffer) error {
	c := check{kernel: kernel}
	c.size("Batch", p.Batch, 1, maxAxis)
	c.size("Length", p.Length, 1, maxLength)
	c.size("Channels", p.Channels, 1, maxElements)
	c.size("Width", p.Width, 2, 8)
	c.size("Offset", p.Offset, 0, p.Stride-p.Channels)
	c.packing(p.Packing, p.Batch, p.Length)
	if kernel != "causal_conv" {
		c.unpacked(p.Packing)
		c.off("Halves", p.Halves)
	}
	if p.Halves {
		c.unpacked(p.Packing)
		c.even("Length", p.Length)
	}
	rows := p.Total(p.Batch, p.Length)
	c.activation("x", size(x), rows, p.Channels, p.Stride, p.Offset, p.Halves)
	c.words("weights", size(weights), p.weightWords())
	c.words("slots", size(slots), p.slotWords(p.Batch))
	c.words("state", size(state), p.Channels*(p.Width-1))
	c.activation("y", size(y), rows, p.Channels, p.Channels, 0, p.Halves)
	return c.err
}

// weightWords is the number of words of the packed weights.
func (p CausalConvParams) weightWords() int {
	if p.Bias {
		return p.Channels * (p.Width + 1)
	}
	return p.Channels * p.Width
}
