package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// NormMatvecParams are the sizes of one product of a few normalised rows with a
// weight matrix:
//
//	x = a / sqrt(mean a^2 + Eps) . gain
//	c[m*LDC+OffC+n] = sum_k x[m,k] w[n,k] + bias[OffBias+n]
type NormMatvecParams struct {
	M, N, K   int // M is 1 to MaxMatvecRows; a is dense
	LDC, OffC int
	Eps       float32
	Weights   DType // storage type of w
	Bias      bool
	OffBias   int
}

// NormMatvec dispatches the product of a (M, K), normalised with gain (K), and w (N,
// K) into c (M, N). bias (OffBias+N) may be nil if Bias is not set.
func (k *Kernels) NormMatvec(p NormMatvecParams, a, gain, w, bias, c *wgpu.Buffer) (*wgpu.Dispatch, error) {
	q := MatmulParams{
		M: p.M, N: p.N, K: p.K, LDA: p.K, LDC: p.LDC, OffC: p.OffC,
		Weights: p.Weights, Bias: p.Bias, OffBias: p.OffBias,
	}
	if err := q.check("norm_matvec", MaxMatvecRows, a, w, bias, c); err != nil {
		return nil, err
	}
	gains := check{kernel: "norm_matvec"}
	if gains.words("gain", size(gain), p.K); gains.err != nil {
		return nil, gains.err
	}
	v := matvecVariant{rowDots: rowShape{p.M, p.N, p.K, p.Weights, true}.choose(), Bias: p.Bias}
	v.vectors(p.Weights, p.K%4 == 0)
	return k.dispatch("norm_matvec", v, uniform(p.LDC, p.OffC, p.OffBias, p.Eps), spread(ceilDiv(p.N, v.Columns)), a, gain, w, orElse(bias, w), c)
}
