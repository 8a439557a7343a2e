package shaders

import "fmt"

// DType is the storage type of a weight matrix in GPU memory. Arithmetic is
// float32 whatever the storage type.
type DType uint8

// The storage types of weights. [Quantize] says how Q8 and Q4 are laid out.
const (
	F32  DType = iota // 32-bit IEEE float
	F16               // 16-bit IEEE float, two to a word
	BF16              // upper half of a 32-bit float, two to a word
	Q8                // 8-bit integer, four to a word, a float32 scale for each row
	Q4                // 4-bit integer, eight to a word, a float16 scale for each 32 columns
)

// Bits is the number of bits of one element, scales not counted.
func (t DType) Bits() int {
	switch t {
	case F32:
		return 32
	case Q8:
		return 8
	case Q4:
		return 4
	}
	return 16
}

// Quantized reports whether the elements are integers with scales.
func (t DType) Quantized() bool { return t == Q8 || t == Q4 }

// String is the name that safetensors files use of F32, F16 and BF16, and "Q8"
// and "Q4".
func (t DType) String() string {
	names := [...]string{"F32", "F16", "BF16", "Q8", "Q4"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("DType(%d)", uint8(t))
}
