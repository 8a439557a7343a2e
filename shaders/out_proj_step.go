package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// OutProjStepParams are the sizes of the last part of a layer's step after a
// ScanGateStep:
//
//	c[m,n] += sum_k y[m,k] gate[m,k] w[n,k]
//
// With Next it leaves next to an InProjStep that is Ready: c . gain, as planes ([Plane])
// for W_in of the layer after, then c once more.
type OutProjStepParams struct {
	Rows        int   // sequences, 1 to MaxInProjStepRows
	Width       int   // d_model, rows of w
	Channels    int   // d_inner, a multiple of Stride(Weights, 1) up to MaxOutProjStepChannels
	Weights     DType // of w
	Next        bool
	NextWeights DType // of the next W_in; Width is a multiple of Stride(NextWeights, 1)
}

// MaxOutProjStepChannels is the largest Channels that OutProjStep takes.
const MaxOutProjStepChannels = 16384

type outProjStepVariant struct {
	rowDots
	Next       bool
	NextPlanes int // quads of a block of NextWeights
}

// OutProjStep dispatches the product of yz (Rows, 2, Channels), y and the gate as planes
// ([Plane]), with w, W_out (Width, Channels), added to c (Rows, Width). With Next it takes
// gain (Width) and writes next (2, Rows, Width); without, they are nil.
func (k *Kernels) OutProjStep(p OutProjStepParams, yz, w, c, gain, next *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(yz, w, c, gain, next); err != nil {
		return nil, err
	}
	v := p.variant(k.dev.Limits())
	buffers := []*wgpu.Buffer{yz, w, c}
	if p.Next {
		buffers = append(buffers, gain, next)
	}
	return k.dispatch("out_proj_step", v, uniform(p.Width), spread(ceilDiv(p.Width, v.Columns)), buffers...)
}

func (p OutProjStepParams) variant(l wgpu.Limits) outProjStepVariant {
	shape := rowShape{p.Rows, p.Width, p.Channels, p.Weights, false}
	v := outProjStepVariant{rowDots: shape.planarRows(0), Next: p.Next, NextPlanes: 32 / p.NextWeights.Bits()}
	// A second set, as two writes more are worth fewer workgroups.
	if two := shape.held(v.Lanes, 2, v.Each, v.Flight, 0).planar(); p.Next && v.Sets == 1 &&
		two.Threads <= int(min(l.MaxInvocations, l.MaxWorkgroupSizeX)) && two.Memory <= maxStepMemory {
		v.rowDots = two
	}
	return v
}

func (p OutProjStepParams) check(yz, w, out, gain, next *wgpu.Buffer) error {
	c := check{kernel: "out_proj_step"}
	c.size("Rows", p.Rows, 1, MaxInProjStepRows)
	c.size("Width", p.Width, 1, maxElements)
	c.size("Channels", p.Channels, 1, MaxOutProjStepChannels)
	c.whole("Channels", p.Channels, p.Weights)
	if p.Next {
		c.whole("Width", p.Width, p.NextWeights)
	}
	if c.err != nil {
		return c.err
	}
	c.words("yz", size(yz), p.Rows*2*p.Channels)
	c.words("w", size(w), int(MatrixBytes(p.Weights, p.Width, p.Channels)/4))
	c.words("c", size(out), p.Rows*p.Width)
	if p.Next {
		c.words("gain", size(gain), p.Width)
		c.words("next", size(next), 2*p.Rows*p.Width)
	}
	return c.err
}
