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
//
// The values must be finite and of at most [Limit].
func Quantize(t DType, values []float32, cols int) []byte {
	rows := len(values) / cols
	out := make([]byte, MatrixBytes(t, rows, cols))
	elements := rows * RowBytes(t, cols)
	QuantizeRows(t, out[:elements], out[elements:], values, cols)
	return out
}

// QuantizeRows is [Quantize] for some rows of a matrix, with elements and scales
// in places of their own. All elements are zero bytes before, as many for each row:
// [RowBytes], or of Q8 at least cols.
func QuantizeRows(t DType, elements, scales []byte, values []float32, cols int) {
	rows := len(values) / cols
	row, scale := len(elements)/rows, ScaleBytes(t, cols)
	for r := range rows {
		if t == Q8 {
			quantizeQ8(elements[r*row:(r+1)*row], scales[r*scale:], values[r*cols:(r+1)*cols])
		} else {
			quantizeQ4(elements[r*row:(r+1)*row], scales[r*scale:], values[r*cols:(r+1)*cols])
		}
	}
}

// Dequantize is the rows of cols numbers that a matrix of integers stands for.
func Dequantize(t DType, image []byte, rows, cols int) []float32 {
	out := make([]float32, rows*cols)
	scales := image[rows*RowBytes(t, cols):]
	groups := Stride(t, cols) / Q4Group
	for r := range rows {
		bytes := image[r*RowBytes(t, cols):]
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

// quantizeQ8 writes a row's integers and its scale.
func quantizeQ8(elements, scales []byte, row []float32) {
	largest := float32(0)
	for _, v := range row {
		largest = max(largest, abs(v))
	}
	// A scale whose 127-fold would be infinite is one unit too large.
	scale := largest / 127
	if math.IsInf(float64(scale*127), 0) {
		scale = math.Nextafter32(scale, 0)
	}
	binary.LittleEndian.PutUint32(scales, math.Float32bits(scale))
	if scale == 0 {
		return
	}
	for c, v := range row {
		q := math.RoundToEven(float64(v) / float64(scale))
		elements[c] = byte(int8(min(max(q, -127), 127))) // beyond where the scale is subnormal
	}
}

// quantizeQ4 writes a row's integers and the scales of its groups.
func quantizeQ4(elements, scales []byte, row []float32) {
	for g := range len(elements) / (Q4Group / 2) {
		group := row[min(g*Q4Group, len(row)):min((g+1)*Q4Group, len(row))]
		scale := scaleQ4(group)
		binary.LittleEndian.PutUint16(scales[2*g:], scale.Bits())
		packQ4(elements[g*Q4Group/2:(g+1)*Q4Group/2], scale.Float32(), group)
	}
}

// packQ4 writes a group's integers, zeros past its end.
func packQ4(elements []byte, scale float32, group []float32) {
	inverse := reciprocal(scale)
	for c := range Q4Group {
		q := byte(8)
		if c < len(group) {
			q = byte(stepQ4(float32(group[c]*inverse)) + 8)
		}
		elements[c/8*4+c%4] |= q << (c % 8 / 4 * 4)
	}
}

// tries are the candidates of scaleQ4 for each sign: the extreme number is
// triedFirst steps, and each next one triedBy more. With half as many, of normal
// deviates, the mean squared error is 0.3% more.
const (
	tries      = 16
	triedFirst = 5.5
	triedBy    = 0.25
)

// scaleQ4 is a group's scale. Candidates are those with which the number of
// largest size is 5.5 to 9.25 steps, up or down. The integers that each gives have
// a scale of least squared error, sum(v q)/sum(q q), which takes sum(v q)^2/sum(q q)
// from the squared error of rounding all to zero; the one that takes most is best.
func scaleQ4(group []float32) float16.Float16 {
	extreme := float32(0)
	for _, v := range group {
		if abs(v) > abs(extreme) {
			extreme = v
		}
	}
	if extreme == 0 {
		return 0
	}
	best, most := float32(0), float32(0)
	for i := range 2 * tries {
		steps := triedFirst + float32(triedBy*float32(i/2))
		if i%2 == 0 {
			steps = -steps
		}
		vq, qq := productsQ4(group, reciprocal(extreme/steps))
		if gain := vq / qq * vq; gain > most {
			best, most = vq/qq, gain
		}
	}
	return nearestHalf(best)
}

// productsQ4 sums v q and q q over a group that is divided into steps. Here and
// below the conversions keep compilers from fusing products and sums, so that all
// machines round alike.
func productsQ4(group []float32, inverse float32) (vq, qq float32) {
	squares := int32(0)
	for _, v := range group {
		q := stepQ4(float32(v * inverse))
		vq += float32(v * float32(q))
		squares += q * q
	}
	return vq, float32(squares)
}

// stepQ4 is the integer from -8 to 7 that is nearest to x, of magnitude up to 2^21.
func stepQ4(x float32) int32 {
	const unit = 3 << 22 // one unit in the last place is 1 here
	q := int32(math.Float32bits(x+unit)) - int32(0x4b400000)
	return min(max(q, -8), 7)
}

// reciprocal is 1/x, and 0 where that is not finite: then all numbers are as
// good as zero.
func reciprocal(x float32) float32 {
	if r := 1 / x; !math.IsInf(float64(r), 0) {
		return r
	}
	return 0
}

// nearestHalf rounds to the nearest finite float16; there is one zero.
func nearestHalf(v float32) float16.Float16 {
	v = min(max(v, -maxHalf), maxHalf)
	if h := float16.Fromfloat32(v); h<<1 != 0 {
		return h
	}
	return 0
}

func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }
