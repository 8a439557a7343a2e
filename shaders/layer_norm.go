package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// LayerNormParams are the sizes of one layer normalisation, with the biased
// variance:
//
//	y[t,i] = (x[t,i] - mean_j x[t,j]) / sqrt(var_j x[t,j] + Eps) * weight[i] + bias[i]
type LayerNormParams struct {
	Rows  int // tokens
	Width int // d_model
	Eps   float32
}

// LayerNorm dispatches the normalisation of x (Rows, Width) by weight and bias
// (Width) into y (Rows, Width).
func (k *Kernels) LayerNorm(p LayerNormParams, x, weight, bias, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "layer_norm"}
	c.size("Rows", p.Rows, 1, maxElements)
	c.size("Width", p.Width, 1, maxElements)
	c.words("x", size(x), p.Rows*p.Width)
	c.words("weight", size(weight), p.Width)
	c.words("bias", size(bias), p.Width)
	c.words("y", size(y), p.Rows*p.Width)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("layer_norm", nil, uniform(p.Rows, p.Width, p.Eps), spread(p.Rows), x, weight, bias, y)
}
