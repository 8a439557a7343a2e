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
}

// MaxOutProjStepChannels is the largest Channels that OutProjStep takes.
const MaxOutProjStepChannels = 16384

// OutProjStep dispatches the product of yz (Rows, 2, Channels), y and the gate as planes
// ([Plane]), with w, W_out (Width, Channels), added to c (Rows, Width).
func (k *Kernels) OutProjStep(p OutProjStepParams, yz, w, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(yz, w, c); err != nil {
		return nil, err
	}
	v := p.variant()
	return k.dispatch("out_proj_step", v, uniform(p.Width), spread(ceilDiv(p.Width, v.Columns)), yz, w, c)
}

type outProjStepVariant struct {
	rowDots
	Next        bool
	NextPlanes  int
	SquareQuads int
}

func (p OutProjStepParams) variant() outProjStepVariant {
	return outProjStepVariant{rowDots: rowShape{p.Rows, p.Width, p.Channels, p.Weights, false}.planarRows(0)}
}

func (p OutProjStepParams) check(yz, w, out *wgpu.Buffer) error {
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
	return c.err
}
