package shaders

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// Stride is the number of elements from one row of a weight matrix to the next
// in GPU memory: its columns, rounded up to a multiple of four.
func Stride(cols int) int { return ceilDiv(cols, 4) * 4 }

// MatrixBytes is the size of a weight matrix in GPU memory.
func MatrixBytes(t DType, rows, cols int) uint64 {
	return uint64(rows) * uint64(Stride(cols)) * uint64(t.Size())
}

// PadRows copies dense rows of a matrix, as checkpoints hold them, to rows of
// Stride(cols) elements with zeros at their ends. It returns raw itself where
// no padding is needed.
func PadRows(t DType, raw []byte, cols int) []byte {
	from, to := cols*t.Size(), Stride(cols)*t.Size()
	if from == to {
		return raw
	}
	rows := len(raw) / from
	out := make([]byte, rows*to)
	for r := range rows {
		copy(out[r*to:], raw[r*from:(r+1)*from])
	}
	return out
}

// TransposePairs lays a dense matrix (rows, cols) out as dt_proj reads it: its
// transpose (cols, rows), with rows rounded up to an even number and the bytes
// to a multiple of four.
func TransposePairs(t DType, raw []byte, rows, cols int) []byte {
	n, stride := t.Size(), ceilDiv(rows, 2)*2
	out := make([]byte, cols*stride*n)
	for r := range rows {
		for c := range cols {
			copy(out[(c*stride+r)*n:][:n], raw[(r*cols+c)*n:])
		}
	}
	return out
}

// Encode converts values to a storage type, rounding to nearest even.
func Encode(t DType, values []float32) []byte {
	out := make([]byte, 0, len(values)*t.Size())
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
