package shaders

// RMSNormParams are the sizes of one root-mean-square normalisation:
//
//	y[t,i] = x[t,i] / sqrt(mean_j x[t,j]^2 + Eps) * weight[i]
type RMSNormParams struct {
	Rows  int // tokens
	Width int // d_model
	Eps   float32
}
