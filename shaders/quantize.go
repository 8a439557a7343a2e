package shaders

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// Q4Group is the number of columns that share a scale in Q4.
const Q4Group = 32

// Quantize rounds rows of cols float32 numbers to a matrix of integers with
// scales, as it lies in GPU memory:
//
//	Q8  w[n,k] = q scale[n], q from -127 to 127
//	Q4  w[n,k] = (q - 8) scale[n, k/32], q from 0 to 15
//
// First come the rows, padded to Stride(t, cols) elements of value zero, four or
// eight to a word, then the scales: of Q8 a float32 for each row, of Q4 a float16
// for each group, rows one after the other, padded to a whole word. In a word of Q8
// columns go from the lowest byte up; in a word of Q4 the lower halves of the four
// bytes are columns 0 to 3 and the upper halves columns 4 to 7.
func Quantize(t DType, values []float32, cols int) []byte {
	rows := len(values) / cols
	out := make([]byte, MatrixBytes(t, rows, cols))
	scales := out[rows*rowBytes(t, cols):]
	for r := range rows {
		row, bytes := values[r*cols:(r+1)*cols], out[r*rowBytes(t, cols):(r+1)*rowBytes(t, cols)]
		if t == Q8 {
			binary.LittleEndian.PutUint32(scales[4*r:], math.Float32bits(quantizeQ8(bytes, row)))
			continue
		}
		groups := Stride(t, cols) / Q4Group
		for g := range groups {
			part := row[min(g*Q4Group, cols):min((g+1)*Q4Group, cols)]
			scale := quantizeQ4(bytes[g*Q4Group/2:(g+1)*Q4Group/2], part)
			binary.LittleEndian.PutUint16(scales[2*(r*groups+g):], scale.Bits())
		}
	}
	return out
}

// Dequantize is the rows of cols numbers that a matrix of integers stands for.
func Dequantize(t DType, image []byte, rows, cols int) []float32 {
	out := make([]float32, rows*cols)
	scales := image[rows*rowBytes(t, cols):]
	groups := Stride(t, cols) / Q4Group
	for r := range rows {
		bytes := image[r*rowBytes(t, cols):]
		for c := range cols {
			if t == Q8 {
				scale := math.Float32frombits(binary.LittleEndian.Uint32(scales[4*r:]))
				out[r*cols+c] = float32(int8(bytes[c])) * scale
				continue
			}
			scale := float16.Frombits(binary.LittleEndian.Uint16(scales[2*(r*groups+c/Q4Group):])).Float32()
			out[r*cols+c] = float32(int(nibble(bytes, c))-8) * scale
		}
	}
	return out
}

// nibble is column c of a row of Q4.
func nibble(row []byte, c int) byte {
	return row[c/8*4+c%4] >> (c % 8 / 4 * 4) & 15
}

// quantizeQ8 writes a row's integers and returns its scale.
func quantizeQ8(out []byte, row []float32) float32 {
	largest := float32(0)
	for _, v := range row {
		largest = max(largest, float32(math.Abs(float64(v))))
	}
	scale := largest / 127
	for c, v := range row {
		if scale > 0 {
			out[c] = byte(int8(math.RoundToEven(float64(v) / float64(scale))))
		}
	}
	return scale
}

// quantizeQ4 writes a group's integers and returns its scale: of those near the
// ones that make the number of largest size -8 or 7, the one with the least
// squared error.
func quantizeQ4(out []byte, group []float32) float16.Float16 {
	var extreme float32
	for _, v := range group {
		if math.Abs(float64(v)) > math.Abs(float64(extreme)) {
			extreme = v
		}
	}
	best, least := float16.Float16(0), math.Inf(1)
	for i := range 33 {
		scale := float16.Fromfloat32(extreme / -(6 + float32(i)/8)) // extreme is -6 to -10 steps
		if e := errorQ4(scale.Float32(), group); e < least {
			best, least = scale, e
		}
		scale = float16.Fromfloat32(extreme / (5 + float32(i)/8)) // 5 to 9 steps
		if e := errorQ4(scale.Float32(), group); e < least {
			best, least = scale, e
		}
	}
	for c := range Q4Group {
		q := byte(8)
		if c < len(group) {
			q = byte(stepQ4(best.Float32(), group[c]) + 8)
		}
		out[c/8*4+c%4] |= q << (c % 8 / 4 * 4)
	}
	return best
}

// errorQ4 is the squared error of a group with a scale.
func errorQ4(scale float32, group []float32) float64 {
	sum := 0.0
	for _, v := range group {
		d := float64(v) - float64(stepQ4(scale, v))*float64(scale)
		sum += d * d
	}
	return sum
}

// stepQ4 is the integer from -8 to 7 that stands for v.
func stepQ4(scale, v float32) int {
	if scale == 0 {
		return 0
	}
	return int(min(max(math.RoundToEven(float64(v)/float64(scale)), -8), 7))
}
