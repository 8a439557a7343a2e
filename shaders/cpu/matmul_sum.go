package cpu

import "github.com/mambagpu/mambagpu/shaders"

// MatmulSum adds the parts of a matrix product:
//
//	x[m,n] = sum_z parts[z,m,n]
//	c[m*LDC+OffC+n] = act(x[m,n] + bias[OffBias+n]) + c[m*LDC+OffC+n]
//
// parts is (Parts, M, N); bias, act and c as in [Matmul].
func MatmulSum(p shaders.MatmulSumParams, parts, bias, c []float32) {
	for m := range p.M {
		for n := range p.N {
			x := 0.0
			for z := range p.Parts {
				x += float64(parts[(z*p.M+m)*p.N+n])
			}
			if p.Bias {
				x += float64(bias[p.OffBias+n])
			}
			finish(&c[m*p.LDC+p.OffC+n], x, p.SiLU, p.Add)
		}
	}
}
