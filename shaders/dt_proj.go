package shaders

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
