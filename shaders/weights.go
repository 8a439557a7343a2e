package shaders

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// Stride is the number of elements from one row of a weight matrix to the next
// in GPU memory: its columns, rounded up to a multiple of what 16 bytes hold.
func Stride(t DType, cols int) int {
	n := 128 / t.Bits()
	return ceilDiv(cols, n) * n
}

// weightPad is the number of elements of a type, named as String does, in 16
// bytes.
func weightPad(t string) int {
	for _, d := range []DType{F32, Q8, Q4} {
		if d.String() == t {
			return Stride(d, 1)
		}
	}
	return Stride(F16, 1)
}

// RowBytes is the size of a row's elements in GPU memory.
func RowBytes(t DType, cols int) int { return Stride(t, cols) * t.Bits() / 8 }

// ScaleBytes is the size of a row's scales, 0 for types without.
func ScaleBytes(t DType, cols int) int {
	switch t {
	case Q8:
		return 4
	case Q4:
		return Stride(t, cols) / Q4Group * 2
	}
	return 0
}

// Limit is the largest magnitude that a type holds: of Q4 eight times the largest
// float16.
func Limit(t DType) float32 {
	switch t {
	case F16:
		return maxHalf
	case BF16:
		return 0x1.fep127
	case Q4:
		return 8 * maxHalf
	}
	return math.MaxFloat32
}

// maxHalf is the largest float16.
const maxHalf = 65504

// MatrixBytes is the size of a weight matrix in GPU memory, scales included.
func MatrixBytes(t DType, rows, cols int) uint64 {
	n := uint64(rows) * uint64(RowBytes(t, cols)+ScaleBytes(t, cols))
	return (n + 3) / 4 * 4
}

// PadRows copies dense rows of a matrix of floats, as checkpoints hold them, to
// rows of Stride(t, cols) elements with zeros at their ends. It returns raw
// itself where no padding is needed.
func PadRows(t DType, raw []byte, cols int) []byte {
	dense, padded := cols*t.Bits()/8, RowBytes(t, cols)
	if dense == padded {
		return raw
	}
	rows := len(raw) / dense
	out := make([]byte, rows*padded)
	for r := range rows {
		copy(out[r*padded:], raw[r*dense:(r+1)*dense])
	}
	return out
}

// TransposePairs lays a dense matrix (rows, cols) of floats out as dt_proj reads
// it: its transpose (cols, rows), with rows rounded up to an even number and the
// bytes to a multiple of four.
func TransposePairs(t DType, raw []byte, rows, cols int) []byte {
	n, stride := t.Bits()/8, ceilDiv(rows, 2)*2
	out := make([]byte, cols*stride*n)
	for r := range rows {
		for c := range cols {
			copy(out[(c*stride+r)*n:][:n], raw[(r*cols+c)*n:])
		}
	}
	return out
}

// TransposeQuads lays a matrix (rows, cols) that lies in GPU memory row by row out as
// in_proj_step reads W_x: the first four columns of every row, of Q4 the first eight, one
// row after the other, then the next, and in the end the scales in the same order.
func TransposeQuads(t DType, image []byte, rows, cols int) []byte {
	out := make([]byte, len(image))
	elements := rows * RowBytes(t, cols)
	unit := max(4, t.Bits()/2)
	transposeUnits(out[:elements], image, rows, unit)
	if n := rows * ScaleBytes(t, cols); n > 0 {
		transposeUnits(out[elements:elements+n], image[elements:], rows, ScaleBytes(t, 1))
	}
	return out
}

// transposeUnits fills out with the columns of src, which has rows of units of some bytes.
func transposeUnits(out, src []byte, rows, unit int) {
	cols := len(out) / rows / unit
	for r := range rows {
		for c := range cols {
			copy(out[(c*rows+r)*unit:][:unit], src[(r*cols+c)*unit:])
		}
	}
}

// Encode converts values to a storage type of floats, rounding to nearest even.
func Encode(t DType, values []float32) []byte {
	out := make([]byte, 0, len(values)*t.Bits()/8)
	for _, v := range values {
		switch t {
		case F16:
			out = binary.LittleEndian.AppendUint16(out, float16.Fromfloat32(v).Bits())
		case BF16:
			out = binary.LittleEndian.AppendUint16(out, bfloat16(v))
		default:
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
	}
	return out
}

// bfloat16 rounds to the nearest 16-bit brain float, ties to even; NaN stays
// NaN.
func bfloat16(v float32) uint16 {
	bits := math.Float32bits(v)
	if bits&0x7fffffff > 0x7f800000 {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
