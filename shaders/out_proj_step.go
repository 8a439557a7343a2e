package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// OutProjStepParams are the sizes of the last part of a layer's step after a
// ScanGateStep:
//
//	c[m,n] += sum_k y[m,k] gate[m,k] w[n,k]
type OutProjStepParams struct {
	Rows     int   // sequences, 1 to MaxInProjStepRows
	Width    int   // d_model, rows of w
	Channels int   // d_inner, a multiple of Stride(Weights, 1) up to MaxOutProjStepChannels
	Weights  DType // of w
	Zero     int   // words of sums that are zeroed, a multiple of 4; 0 without sums
}

// MaxOutProjStepChannels is the largest Channels that OutProjStep takes.
const MaxOutProjStepChannels = 16384

// OutProjStep dispatches the product of yz (Rows, 2, Channels), y and the gate as planes
// ([Plane]), with w, W_out (Width, Channels), added to c (Rows, Width). Beside that it zeroes
// the first words of sums, which InProjStep's next step adds to, if Params says so.
func (k *Kernels) OutProjStep(p OutProjStepParams, yz, w, c, sums *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(yz, w, c, sums); err != nil {
		return nil, err
	}
	v := p.variant()
	buffers := []*wgpu.Buffer{yz, w, c}
	if p.Zero > 0 {
		buffers = append(buffers, sums)
	}
	return k.dispatch("out_proj_step", v, uniform(p.Width), spread(ceilDiv(p.Width, v.Columns)), buffers...)
}

type outProjStepVariant struct {
	rowDots
	Zero int
}

func (p OutProjStepParams) variant() outProjStepVariant {
	return outProjStepVariant{rowShape{p.Rows, p.Width, p.Channels, p.Weights, false}.planarRows(0), p.Zero}
}

func (p OutProjStepParams) check(yz, w, out, sums *wgpu.Buffer) error {
	c := check{kernel: "out_proj_step"}
	c.size("Rows", p.Rows, 1, MaxInProjStepRows)
	c.size("Width", p.Width, 1, maxElements)
	c.size("Channels", p.Channels, 1, MaxOutProjStepChannels)
	c.whole("Channels", p.Channels, p.Weights)
	if c.err != nil {
		return c.err
	}
	c.words("yz", size(yz), p.Rows*2*p.Channels)
	c.words("w", size(w), int(MatrixBytes(p.Weights, p.Width, p.Channels)/4))
	c.words("c", size(out), p.Rows*p.Width)
	c.words("sums", size(sums), p.Zero)
	c.multiple("Zero", p.Zero, 4)
	return c.err
}
