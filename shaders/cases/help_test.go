package cases

import (
	"math"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

// sameBits says whether two buffers hold the same bits, NaN included.
func sameBits(a, b Arg) bool {
	return slices.Equal(a.U32, b.U32) && slices.EqualFunc(a.F32, b.F32, func(x, y float32) bool {
		return math.Float32bits(x) == math.Float32bits(y)
	})
}

// dtypeOf is the storage type that a case's Params name for its weights.
func dtypeOf(c Case) shaders.DType {
	switch p := c.Params.(type) {
	case shaders.EmbeddingParams:
		return p.Table
	case shaders.MatmulParams:
		return p.Weights
	case shaders.DtProjParams:
		return p.Weights
	}
	return shaders.F32
}
