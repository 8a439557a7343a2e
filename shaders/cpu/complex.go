package cpu

import "math"

// expComplex is exp(x + iy).
func expComplex(x, y float64) complex128 {
	sin, cos := math.Sincos(y)
	e := math.Exp(x)
	return complex(e*cos, e*sin)
}

// expm1Complex is exp(x + iy) - 1 without the loss of digits near 0:
//
//	expm1(x) cos y - 2 sin^2(y/2) + i e^x sin y
func expm1Complex(x, y float64) complex128 {
	sin, cos := math.Sincos(y)
	half := math.Sin(y / 2)
	return complex(math.Expm1(x)*cos-2*half*half, math.Exp(x)*sin)
}

// hold is the exact zero-order hold of h' = a h + v over a time delta: exp(delta
// a) and (exp(delta a) - 1)/a, which is delta where a is 0.
func hold(delta float64, a complex128) (abar, phi complex128) {
	x, y := delta*real(a), delta*imag(a)
	if a == 0 {
		return 1, complex(delta, 0)
	}
	return expComplex(x, y), expm1Complex(x, y) / a
}

// pair is element i of interleaved real and imaginary parts.
func pair(x []float32, i int) complex128 {
	return complex(float64(x[2*i]), float64(x[2*i+1]))
}
