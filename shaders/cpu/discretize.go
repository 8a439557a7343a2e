package cpu

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// Discretize is the exact zero-order hold of a complex diagonal A that the
// channels share, with a modulation of its decay for each token:
//
//	delta_t   = s[t*Stride + OffDelta], then softplus(delta_t) if Softplus is set
//	m_t[n]    = sigmoid(s[t*Stride + OffMod + n]) if Modulated is set, else 1
//	Abar_t[n] = exp(delta_t A[n])
//	phi_t[n]  = (Abar_t[n] - 1) / A[n], which is delta_t where A[n] is 0
//
// s is strided (Rows, ...), a is (N, 2), or if Log is set log(-Re A) (N), then Im A
// (N), and cells (Rows, N, 4): m_t Abar_t, then phi_t, each as real and imaginary part.
func Discretize(p shaders.DiscretizeParams, s, a, cells []float32) {
	parallel(p.Rows, 150*p.States, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			row := s[t*p.Stride:]
			delta := float64(row[p.OffDelta])
			if p.Softplus {
				delta = softplus(delta)
			}
			for n := range p.States {
				abar, phi := hold(delta, sharedA(p, a, n))
				if p.Modulated {
					abar *= complex(sigmoid(float64(row[p.OffMod+n])), 0)
				}
				cell := cells[4*(t*p.States+n):][:4]
				cell[0], cell[1] = float32(real(abar)), float32(imag(abar))
				cell[2], cell[3] = float32(real(phi)), float32(imag(phi))
			}
		}
	})
}

// sharedA is A of state n.
func sharedA(p shaders.DiscretizeParams, a []float32, n int) complex128 {
	if p.Log {
		return complex(-math.Exp(float64(a[n])), float64(a[p.States+n]))
	}
	return pair(a, n)
}
