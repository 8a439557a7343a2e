package cpu

import "math"

// softplus is log(1 + exp(x)). The form max(x, 0) + log1p(exp(-|x|)) neither
// overflows for large x nor loses the digits of a small result.
func softplus(x float64) float64 {
	return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
}

// silu is x * sigmoid(x). For very negative x the exponential is infinite and
// the quotient is zero, as it should be.
func silu(x float64) float64 {
	return x / (1 + math.Exp(-x))
}

// siluSlope is silu(x) and its derivative.
func siluSlope(x float64) (y, slope float64) {
	s := sigmoid(x)
	return x * s, s * (1 + x*(1-s))
}

// sigmoid is 1/(1 + exp(-x)).
func sigmoid(x float64) float64 {
	return 1 / (1 + math.Exp(-x))
}
