package cpu

import (
	"math/cmplx"

	"github.com/mambagpu/mambagpu/shaders"
)

// DiscretizeBackward is the gradients of Discretize, given those of the cells, df
// of m_t Abar_t and dphi of phi_t, each written as that of the real part plus i
// times that of the imaginary part:
//
//	dm_t[n]   = Re(df_t[n] conj(Abar_t[n])),  times m (1 - m) for s
//	ddelta_t  = sum_n Re(m_t df_t conj(A Abar_t) + dphi_t conj(Abar_t)),
//	            times sigmoid(s_t[off_delta]) if Softplus is set
//	dA[n]     = sum_t m_t df_t conj(delta_t Abar_t) + dphi_t conj(phi'_t)
//	phi'_t    = dphi_t/dA = (delta_t Abar_t - phi_t)/A
//
// dcells is (Rows, N, 4), laid out as cells. ds, laid out as s, gets the gradients
// of the step and, if Modulated is set, of m's, and keeps what lies between. What
// that of A is is added to da, laid out as a; that of log(-Re A) is Re dA Re A. Sums are
// float64 and in order.
func DiscretizeBackward(p shaders.DiscretizeParams, s, a, dcells, ds, da []float32) {
	groups := (p.Rows + shaders.DiscretizeBackwardRows - 1) / shaders.DiscretizeBackwardRows
	sums := make([][]float64, groups)
	parallel(groups, 200*p.States*shaders.DiscretizeBackwardRows, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			sums[i] = make([]float64, 2*p.States)
			first := i * shaders.DiscretizeBackwardRows
			for t := first; t < min(first+shaders.DiscretizeBackwardRows, p.Rows); t++ {
				discretizeBack(p, s[t*p.Stride:], a, dcells[4*t*p.States:], ds[t*p.Stride:], sums[i])
			}
		}
	})
	addRows(da, sums)
}

// discretizeBack is one row: s and ds as Params says, dcells (N, 4), da as a.
func discretizeBack(p shaders.DiscretizeParams, s, a, dcells, ds []float32, da []float64) {
	delta, slope := float64(s[p.OffDelta]), 1.0
	if p.Softplus {
		delta, slope = softplus(delta), sigmoid(delta)
	}
	var ddelta float64
	for n := range p.States {
		an, m := sharedA(p, a, n), 1.0
		abar, phi := hold(delta, an)
		df, dphi := pair(dcells, 2*n), pair(dcells, 2*n+1)
		q := df * cmplx.Conj(abar)
		if p.Modulated {
			m = sigmoid(float64(s[p.OffMod+n]))
			ds[p.OffMod+n] = float32(real(q) * m * (1 - m))
		}
		q *= complex(m, 0)
		ddelta += real(q*cmplx.Conj(an)) + real(dphi*cmplx.Conj(abar))
		d := q*complex(delta, 0) + dphi*cmplx.Conj(holdSlope(delta, an, abar, phi))
		if p.Log {
			da[n] += real(d) * real(an)
			da[p.States+n] += imag(d)
			continue
		}
		da[2*n] += real(d)
		da[2*n+1] += imag(d)
	}
	ds[p.OffDelta] = float32(ddelta * slope)
}

// holdSlope is the derivative of phi = (exp(delta a) - 1)/a by a, (delta abar -
// phi)/a. With z = delta a it is delta^2 times the series
//
//	sum_k z^k (k+1)/(k+2)!  =  1/2 + z/3 + z^2/8 + z^3/30 + ...
//
// which is used below |z| = 1/2, where the difference would lose digits.
func holdSlope(delta float64, a, abar, phi complex128) complex128 {
	z := complex(delta, 0) * a
	if cmplx.Abs(z) >= 0.5 {
		return (complex(delta, 0)*abar - phi) / a
	}
	sum, term := complex(0.5, 0), complex(0.5, 0) // term is z^k/(k+2)!
	for k := 1.0; k < 18; k++ {
		term *= z / complex(k+2, 0)
		sum += term * complex(k+1, 0)
	}
	return sum * complex(delta*delta, 0)
}
