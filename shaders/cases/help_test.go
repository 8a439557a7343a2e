package cases

import (
	"math"
	"slices"
)

// sameBits says whether two buffers hold the same bits, NaN included.
func sameBits(a, b Arg) bool {
	return slices.Equal(a.U32, b.U32) && slices.EqualFunc(a.F32, b.F32, func(x, y float32) bool {
		return math.Float32bits(x) == math.Float32bits(y)
	})
}
