package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// InProjRowsParams are the sizes of the first part of a layer's step of some sequences:
//
//	x = a / sqrt(mean a^2 + Eps) . gain              (Width)
//	(u, z) = W_in x + in_bias                        (2 Channels)
//	u = silu(sum_k conv[e,k] past[e,k] + conv_bias)  past = state, then u
//
// Arrays are laid out as those of [InProjStepParams].
type InProjRowsParams struct {
	Rows     int // sequences, 1 to MaxLaneRows
	Width    int // d_model, in whole vectors of four
	Channels int // d_inner
	Taps     int // d_conv, 2 to 8
	Eps      float32
	Weights  DType // of W_in
	ConvBias bool
	Bias     bool
}

type inProjRowsVariant struct {
	laneSums
	Taps           int
	ConvBias, Bias bool
}

// InProjRowsFits reports whether InProjRows takes the sizes.
func InProjRowsFits(p InProjRowsParams) bool {
	return laneFits(p.Rows, 2*p.Channels, p.Width, p.Width, 0)
}

// InProjRows dispatches it for a (Rows, Width) with w, W_in (2 Channels, Width), from and
// to the state of the given slots (Rows), into uz (Rows, 2 Channels). [InProjRowsFits]
// says which sizes it takes.
func (k *Kernels) InProjRows(p InProjRowsParams, a, w, small, slots, state, uz *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(a, w, small, slots, state, uz); err != nil {
		return nil, err
	}
	v := inProjRowsVariant{
		laneSums: newLaneSums(p.Rows, 2*p.Channels, p.Width, p.Weights), Taps: p.Taps, ConvBias: p.ConvBias, Bias: p.Bias,
	}
	v.Norm, v.Early = true, true
	conv, convBias, inBias, _ := p.step().offsets()
	return k.dispatch("in_proj_rows", v, uniform(p.Rows, p.Eps, conv, convBias, inBias), v.grid(p.Rows), a, w, small, slots, state, uz)
}

// step is what it shares with InProjStep.
func (p InProjRowsParams) step() InProjStepParams {
	return InProjStepParams{Rows: p.Rows, Width: p.Width, Channels: p.Channels, Taps: p.Taps, ConvBias: p.ConvBias, Bias: p.Bias}
}

func (p InProjRowsParams) check(a, w, small, slots, state, uz *wgpu.Buffer) error {
	c := check{kernel: "in_proj_rows"}
	c.size("Rows", p.Rows, 1, MaxLaneRows)
	c.size("Width", p.Width, 1, maxElements)
	c.size("Channels", p.Channels, 1, maxElements/2)
	c.size("Taps", p.Taps, 2, 8)
	if c.off("rows that are not whole vectors, or too many", !InProjRowsFits(p)); c.err != nil {
		return c.err
	}
	_, _, _, words := p.step().offsets()
	c.words("a", size(a), p.Rows*p.Width)
	c.words("w", size(w), int(MatrixBytes(p.Weights, 2*p.Channels, p.Width)/4))
	c.words("small", size(small), words)
	c.words("slots", size(slots), p.Rows)
	c.words("state", size(state), p.Channels*(p.Taps-1))
	c.words("uz", size(uz), p.Rows*2*p.Channels)
	return c.err
}
