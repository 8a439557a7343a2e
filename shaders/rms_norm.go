package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// RMSNormParams are the sizes of one root-mean-square normalisation:
//
//	y[t,i] = x[t,i] / sqrt(mean_j x[t,j]^2 + Eps) * weight[i]
type RMSNormParams struct {
	Rows  int // tokens
	Width int // d_model
	Eps   float32
}

// RMSNorm dispatches the normalisation of x (Rows, Width) by weight (Width)
// into y (Rows, Width).
func (k *Kernels) RMSNorm(p RMSNormParams, x, weight, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "rms_norm"}
	c.size("Rows", p.Rows, 1, maxElements)
	c.size("Width", p.Width, 1, maxElements)
	c.words("x", size(x), p.Rows*p.Width)
	c.words("weight", size(weight), p.Width)
	c.words("y", size(y), p.Rows*p.Width)
	if c.err != nil {
		return nil, c.err
	}
	v := p.variant()
	return k.dispatch("rms_norm", v, uniform(p.Rows, p.Width, p.Eps), spread(ceilDiv(p.Rows, v.Side)), x, weight, y)
}

// rmsNormVariant is what changes the code of rms_norm.
type rmsNormVariant struct {
	Vec   bool // rows are whole vectors
	Lanes int  // invocations that share a row
	Side  int  // rows of a workgroup
}

func (p RMSNormParams) variant() rmsNormVariant {
	r := normRows{Width: p.Width}
	return rmsNormVariant{Vec: p.Width%4 == 0, Lanes: r.lanes(), Side: r.sideBySide()}
}
