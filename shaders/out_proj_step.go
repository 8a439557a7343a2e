package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// OutProjStepParams are the sizes of the last part of a layer's step after a
// ScanGateStep:
//
//	c[m,n] += sum_k y[m,k] gate[m,k] w[n,k]
//
// With Next, of one row, it makes the row ready for an InProjStep with Squares: next is
// c . gain, as planes ([Plane]) for W_in of the layer after, then sums of c's squares.
type OutProjStepParams struct {
	Rows        int   // sequences, 1 to MaxInProjStepRows
	Width       int   // d_model, rows of w
	Channels    int   // d_inner, a multiple of Stride(Weights, 1) up to MaxOutProjStepChannels
	Weights     DType // of w
	Next        bool  // with one row
	NextWeights DType // of the next W_in; Width is a multiple of Stride(NextWeights, 1)
}

// MaxOutProjStepChannels is the largest Channels that OutProjStep takes.
const MaxOutProjStepChannels = 16384

type outProjStepVariant struct {
	rowDots
	Next       bool
	NextPlanes int // quads of a block of NextWeights
}

// Run is the number of columns of c whose squares a step with Next adds up.
func (p OutProjStepParams) Run() int { return p.rows().Each }

// Squares is the number of their sums.
func (p OutProjStepParams) Squares() int { return ceilDiv(p.Width, p.Run()) }

// OutProjStep dispatches the product of yz (Rows, 2, Channels), y and the gate as planes
// ([Plane]), with w, W_out (Width, Channels), added to c (Rows, Width). With Next it takes
// gain (Width) and writes next (Width), (Squares); without, they are nil.
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

func (p OutProjStepParams) rows() rowDots {
	return rowShape{p.Rows, p.Width, p.Channels, p.Weights, false}.planarRows(0)
}

func (p OutProjStepParams) variant(l wgpu.Limits) outProjStepVariant {
	v := outProjStepVariant{rowDots: p.rows(), Next: p.Next, NextPlanes: 32 / p.NextWeights.Bits()}
	if !p.Next || v.Sets > 1 {
		return v
	}
	// With sums at the end fewer workgroups are better: on an H100 (1,2560,5120) of 4 bits
	// takes 6.7 us with two sets of lanes, 7.4 with one.
	two := rowShape{p.Rows, p.Width, p.Channels, p.Weights, false}.held(v.Lanes, 2, v.Each, v.Flight, 0).planar()
	if two.Threads <= int(min(l.MaxInvocations, l.MaxWorkgroupSizeX)) && two.Memory <= maxStepMemory {
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
		c.off("Next of several rows", p.Rows > 1)
	}
	if c.err != nil {
		return c.err
	}
	c.words("yz", size(yz), p.Rows*2*p.Channels)
	c.words("w", size(w), int(MatrixBytes(p.Weights, p.Width, p.Channels)/4))
	c.words("c", size(out), p.Rows*p.Width)
	if p.Next {
		c.words("gain", size(gain), p.Width)
		c.words("next", size(next), p.Width+p.Squares())
	}
	return c.err
}
