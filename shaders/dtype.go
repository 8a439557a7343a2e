package shaders

import "fmt"

// DType is the storage type of a weight matrix in GPU memory. Arithmetic is
// float32 whatever the storage type.
type DType uint8

// The storage types of weights.
const (
	F32  DType = iota // 32-bit IEEE float
	F16               // 16-bit IEEE float, two to a word
	BF16              // upper half of a 32-bit float, two to a word
)

// Size is the number of bytes of one element.
func (t DType) Size() int {
	if t == F32 {
		return 4
	}
	return 2
}

// String is the name safetensors files use: "F32", "F16" or "BF16".
func (t DType) String() string {
	switch t {
	case F32:
		return "F32"
	case F16:
		return "F16"
	case BF16:
		return "BF16"
	}
	return fmt.Sprintf("DType(%d)", uint8(t))
}
