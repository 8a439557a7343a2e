package cases

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// round is a value near x that the storage type can represent, at most one
// unit in its last place away and never larger than x.
func round(t shaders.DType, x float32) float32 {
	switch t {
	case shaders.F16:
		return roundF16(x)
	case shaders.BF16:
		return math.Float32frombits(math.Float32bits(x) &^ 0xffff)
	}
	return x
}

// The range of 16-bit IEEE floats.
const (
	maxF16       = 65504
	minNormalF16 = 0x1p-14
	minF16       = 0x1p-24
)

// roundF16 cuts x to the 11 significant bits of a 16-bit IEEE float. Below the
// normal range those floats are the multiples of minF16.
func roundF16(x float32) float32 {
	switch size := math.Abs(float64(x)); {
	case size > maxF16:
		return float32(math.Copysign(maxF16, float64(x)))
	case size < minNormalF16:
		return float32(math.Trunc(float64(x)/minF16) * minF16)
	}
	return math.Float32frombits(math.Float32bits(x) &^ 0x1fff)
}
