package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// FlowInStepParams are the sizes of the first of two dispatches of a layer's step of one
// sequence: InProjStep, whose sums of x_proj go through bins (StepFlow), of the residual as
// the layer before left it:
//
//	a = residual + out_proj's sums                   (Width) of the layer before
//	x = a / sqrt(mean a^2 + Eps) . gain              (Width)
//	(u, z) = W_in x                                  (2 Channels)
//	u = silu(sum_k conv[e,k] past[e,k] + conv_bias)  past = state, then u
//	x_proj's sums += W_x u                           (Outputs)
//
// Of the first layer a is given.
type FlowInStepParams struct {
	Width    int // d_model, a multiple of 4
	Channels int // d_inner, a multiple of 4, up to MaxFlowParts groups
	Taps     int // d_conv, 2 to 8
	Outputs  int // of x_proj, 1 to MaxInProjStepOutputs
	Group    int // channels of a group: 8, 16, 32 or 64
	Eps      float32
	Weights  DType // of W_in
	XWeights DType // of W_x
	ConvBias bool
	First    bool // the layer before is none
}

// flowVariant is what in_proj_step has besides where its results go through bins.
type flowVariant struct {
	flowPlaces
	First      bool
	Workgroups int
}

// OutSums and XSums are the sums of out_proj, read as quads, and of x_proj.
func (f flowVariant) OutSums() binSums { return binSums{"out", f.Out, f.OutCount, true} }
func (f flowVariant) XSums() binSums   { return binSums{"x", f.X, f.XCount, false} }

// binSums is sums in bins, to a template.
type binSums struct {
	Name      string
	At, Count int
	Quads     bool
}

// FlowInStep dispatches the half step of before, the flow of the layer before, or with First
// of the residual (Width), with w, W_in (2 Channels, Width), and wx, W_x (Outputs, Channels),
// from and to the state of the given slot (1), into next, the layer's flow, whose sums are zero.
// small is packed as that of InProjStep.
func (k *Kernels) FlowInStep(p FlowInStepParams, before, w, small, slots, wx, state, next *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(before, w, small, slots, wx, state, next); err != nil {
		return nil, err
	}
	v := p.variant(k.dev.Limits())
	return k.dispatch("in_proj_step", v, p.step().uniform(), spread(v.Flow.Workgroups), before, w, small, slots, wx, state, next)
}

// Flow is the flow of the layer and of the one before.
func (p FlowInStepParams) Flow() StepFlow { return StepFlow{p.Width, p.Channels, p.Outputs} }

// step is the InProjStep that does the same without bins.
func (p FlowInStepParams) step() InProjStepParams {
	return InProjStepParams{
		Rows: 1, Width: p.Width, Channels: p.Channels, Taps: p.Taps, Outputs: p.Outputs, Group: p.Group, Eps: p.Eps,
		Weights: p.Weights, XWeights: p.XWeights, ConvBias: p.ConvBias,
	}
}

func (p FlowInStepParams) variant(l wgpu.Limits) inProjStepVariant {
	v := p.step().variant(l)
	v.Flow = &flowVariant{p.Flow().places(), p.First, 2 * v.Groups}
	v.Carry = true
	return v
}

func (p FlowInStepParams) check(before, w, small, slots, wx, state, next *wgpu.Buffer) error {
	c := check{kernel: "in_proj_step"}
	c.step(p.step())
	c.multiple("Width", p.Width, 4)
	c.multiple("Channels", p.Channels, 4)
	if c.err != nil {
		return c.err
	}
	c.size("Channels / Group", p.step().Groups(), 1, MaxFlowParts)
	if p.First {
		c.words("before", size(before), p.Width)
	} else {
		c.words("before", size(before), p.Flow().Words())
	}
	c.stepArrays(p.step(), w, small, slots, wx, state)
	c.words("next", size(next), p.Flow().Words())
	return c.err
}
