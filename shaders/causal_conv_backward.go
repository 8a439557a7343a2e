package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// How causal_conv_backward shares its work: the invocations of a workgroup that lie side
// by side in a row, the chunks of time that it has, and the steps of a chunk.
const (
	convBackLanes  = 64
	convBackChunks = 4
	convBackSteps  = 64
)

// CausalConvBackward dispatches the gradients of [Kernels.CausalConv] from a zero
// state, which p must say (Fresh), given the gradient dy (Batch, Length, Channels)
// of its output. With s the sum that act is taken of and ds = dy act'(s):
//
//	dx[b,t,e] = sum_k w[e,k] ds[b, t+Width-1-k, e]    ds is 0 past the end
//	dw[e,k]  += sum_b,t ds[b,t,e] x[b, t-Width+1+k, e]
//	dbias[e] += sum_b,t ds[b,t,e]
//
// dx lies as x does, at dx[row*Stride + Offset + e], in a buffer of its own;
// dweights are packed as the weights. scratch has CausalConvBackwardScratch(p)
// words. Sequences have one length: packed ones are refused. If Halves is set, only x lies
// in halves: gradients are 32-bit floats.
func (k *Kernels) CausalConvBackward(p CausalConvParams, x, weights, dy, dx, scratch, dweights *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	c := check{kernel: "causal_conv_backward"}
	p.checkBackward(&c, x, weights, dy, dx, scratch, dweights)
	if c.err != nil {
		return nil, c.err
	}
	v := p.backwardVariant()
	blocks := ceilDiv(p.Length, convBackChunks*convBackSteps)
	grid := [3]uint32{uint32(ceilDiv(p.Channels, v.Channels())), uint32(blocks), uint32(p.Batch)}
	first, err := k.dispatch(c.kernel, v, p.uniform(), grid, x, weights, dy, dx, scratch)
	if err != nil {
		return nil, err
	}
	return k.thenSums([]*wgpu.Dispatch{first}, scratch,
		partSums{Rows: p.backwardParts(), Columns: p.weightWords(), Stride: p.weightWords(), Sums: dweights})
}

// CausalConvBackwardScratch is the number of words of scratch that
// CausalConvBackward needs.
func (k *Kernels) CausalConvBackwardScratch(p CausalConvParams) int {
	return p.backwardParts() * p.weightWords()
}

// convBackVariant is what changes the code of causal_conv_backward.
type convBackVariant struct {
	Width                int
	Each                 int // channels of an invocation, a vector
	Lanes, Chunks, Steps int
	Sums                 int // weights of a channel
	Bias, SiLU           bool
	Halves               bool // of x
}

func (p CausalConvParams) backwardVariant() convBackVariant {
	v := convBackVariant{
		Width: p.Width, Each: 1, Lanes: convBackLanes, Chunks: convBackChunks, Steps: convBackSteps,
		Sums: p.weightWords() / p.Channels, Bias: p.Bias, SiLU: p.SiLU, Halves: p.Halves,
	}
	if aligned := (p.Stride|p.Offset|p.Channels)%2 == 0; aligned && 2*v.Memory() <= 16<<10 {
		v.Each = 2
	}
	return v
}

// InWord is the number of steps of a word of x.
func (v convBackVariant) InWord() int {
	if v.Halves {
		return 2
	}
	return 1
}

// Channels is the number of channels of a workgroup.
func (v convBackVariant) Channels() int { return v.Lanes * v.Each }

// Memory is the bytes of workgroup memory.
func (v convBackVariant) Memory() int { return 4 * v.Lanes * v.Chunks * v.Each * v.Sums }

// backwardParts is the number of partial sums of each weight's gradient.
func (p CausalConvParams) backwardParts() int {
	return p.Batch * ceilDiv(p.Length, convBackChunks*convBackSteps)
}

func (p CausalConvParams) checkBackward(c *check, x, weights, dy, dx, scratch, dweights *wgpu.Buffer) {
	c.size("Batch", p.Batch, 1, maxAxis)
	c.size("Length", p.Length, 1, maxAxis*convBackSteps)
	c.size("Channels", p.Channels, 1, maxAxis*partLanes/9) // so that column_sums has a workgroup for each 8 weights
	c.size("Width", p.Width, 2, 8)
	c.size("Offset", p.Offset, 0, p.Stride-p.Channels)
	c.unpacked(p.Packing)
	c.on("Fresh", p.Fresh)
	if p.Halves {
		c.even("Length", p.Length)
	}
	rows := p.Batch * p.Length
	c.activation("x", size(x), rows, p.Channels, p.Stride, p.Offset, p.Halves)
	c.words("weights", size(weights), p.weightWords())
	c.words("dy", size(dy), rows*p.Channels)
	c.words("dx", size(dx), (rows-1)*p.Stride+p.Offset+p.Channels)
	c.words("scratch", size(scratch), p.backwardParts()*p.weightWords())
	c.words("dweights", size(dweights), p.weightWords())
}
