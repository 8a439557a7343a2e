package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// DtProjParams are the sizes of the projection that gives the step sizes:
//
//	delta[t,e] = softplus(sum_r x[t*Stride+Offset+r] * w[e,r] + bias[e])
type DtProjParams struct {
	Rows           int // tokens
	Channels       int // d_inner
	Rank           int // dt_rank
	Stride, Offset int // of x, in elements
	Weights        DType
}

// dtProjVariant is what changes the code of dt_proj.
type dtProjVariant struct {
	Rank    int
	Rows    int // of an invocation
	Groups  int // of 32 invocations, with rows of their own
	Quads   int // of a row's inputs
	Chunk   int // of those that lie in workgroup memory at a time
	Weights string
	Fours   bool // channels come in whole vectors
	Vec     bool // inputs do
}

func (v dtProjVariant) Tile() int        { return v.Rows * v.Groups }
func (v dtProjVariant) Invocations() int { return 32 * v.Groups }
func (v dtProjVariant) Memory() int      { return 16 * v.Tile() * v.Chunk }

// Even reports whether all chunks are whole.
func (v dtProjVariant) Even() bool { return v.Quads%v.Chunk == 0 }

// dtProjChunk bounds the quads of inputs in workgroup memory: 16 KiB for 64 rows.
const dtProjChunk = 16

func (p DtProjParams) variant() dtProjVariant {
	v := dtProjVariant{
		Rank: p.Rank, Quads: ceilDiv(p.Rank, 4), Weights: p.Weights.String(), Fours: p.Channels%4 == 0,
		Vec: p.Rank%4 == 0 && p.Stride%4 == 0 && p.Offset%4 == 0,
	}
	v.Rows, v.Groups = dtProjRows(p.Rows)
	v.Chunk = ceilDiv(v.Quads, ceilDiv(v.Quads, dtProjChunk))
	return v
}

// dtProjRows shares the rows: with eight to an invocation reading weights and inputs costs
// little, and a processor has room for many; a few rows fill more of a GPU with fewer.
func dtProjRows(rows int) (each, groups int) {
	switch {
	case rows >= 1024:
		return 8, 4
	case rows >= 256:
		return 2, 4
	case rows >= 8:
		return 1, 4
	}
	return 1, 1
}

// DtProj dispatches the projection of x by w, laid out by [TransposePairs],
// and bias (Channels) into delta (Rows, Channels).
func (k *Kernels) DtProj(p DtProjParams, x, w, bias, delta *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "dt_proj"}
	c.size("Rows", p.Rows, 1, maxAxis)
	c.size("Channels", p.Channels, 1, maxElements)
	c.size("Rank", p.Rank, 1, maxElements)
	c.size("Offset", p.Offset, 0, p.Stride-p.Rank)
	c.off("quantised weights", p.Weights.Quantized())
	c.words("x", size(x), (p.Rows-1)*p.Stride+p.Offset+p.Rank)
	c.words("w", size(w), p.Rank*ceilDiv(p.Channels, 2)*2*p.Weights.Bits()/32)
	c.words("bias", size(bias), p.Channels)
	c.words("delta", size(delta), p.Rows*p.Channels)
	if c.err != nil {
		return nil, c.err
	}
	v := p.variant()
	grid := [3]uint32{uint32(ceilDiv(p.Channels, 128)), uint32(ceilDiv(p.Rows, v.Tile())), 1}
	return k.dispatch("dt_proj", v, uniform(p.Rows, p.Channels, p.Stride, p.Offset), grid, x, w, bias, delta)
}
