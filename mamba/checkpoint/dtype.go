package checkpoint

import "fmt"

// DType is the element type of a tensor. The zero value is no type.
type DType uint8

// The element types of safetensors that fill whole bytes. A model's weights
// are F32, F16 or BF16; the others are known so that a file which holds one
// beside the weights still opens.
const (
	F32  DType = iota + 1 // IEEE 754 binary32
	F16                   // IEEE 754 binary16
	BF16                  // the upper half of a binary32
	F64                   // IEEE 754 binary64
	I64
	I32
	I16
	I8
	U64
	U32
	U16
	U8
	Bool
	F8E4M3
	F8E5M2
	F8E8M0
	C64 // two binary32: real, imaginary
)

var dtypes = [...]struct {
	name string
	size int
}{
	F32: {"F32", 4}, F16: {"F16", 2}, BF16: {"BF16", 2}, F64: {"F64", 8},
	I64: {"I64", 8}, I32: {"I32", 4}, I16: {"I16", 2}, I8: {"I8", 1},
	U64: {"U64", 8}, U32: {"U32", 4}, U16: {"U16", 2}, U8: {"U8", 1},
	Bool: {"BOOL", 1}, F8E4M3: {"F8_E4M3", 1}, F8E5M2: {"F8_E5M2", 1},
	F8E8M0: {"F8_E8M0", 1}, C64: {"C64", 8},
}

// Size returns the bytes of one element, 0 when d is no type.
func (d DType) Size() int {
	if int(d) >= len(dtypes) {
		return 0
	}
	return dtypes[d].size
}

// String returns the name of d in safetensors files, such as "BF16".
func (d DType) String() string {
	if d.Size() == 0 {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// isFloat reports whether [Decode] reads d.
func (d DType) isFloat() bool { return d >= F32 && d <= F64 }

// isWeight reports whether a model's weights may be of type d.
func (d DType) isWeight() bool { return d == F32 || d == F16 || d == BF16 }

func parseDType(name string) (DType, bool) {
	for d, t := range dtypes {
		if t.size > 0 && t.name == name {
			return DType(d), true
		}
	}
	return 0, false
}
