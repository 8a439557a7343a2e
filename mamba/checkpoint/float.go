package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
)

var le = binary.LittleEndian

// Decode converts little-endian elements of type d to float32: exactly from
// F32, F16 and BF16, rounded to nearest even from F64. It is an error when d
// is another type or raw does not hold len(dst) elements.
func Decode(d DType, dst []float32, raw []byte) error {
	if err := checkConversion(d, len(dst), len(raw)); err != nil {
		return err
	}
	switch d {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(raw[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = halfToFloat(le.Uint16(raw[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(raw[2*i:])) << 16)
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(raw[8*i:])))
		}
	}
	return nil
}

// Encode converts src to little-endian elements of type d, rounded to nearest
// even; what exceeds the range of d becomes an infinity. It is an error when d
// is not F32, F16, BF16 or F64.
func Encode(d DType, src []float32) ([]byte, error) {
	if err := checkConversion(d, len(src), len(src)*d.Size()); err != nil {
		return nil, err
	}
	raw := make([]byte, len(src)*d.Size())
	switch d {
	case F32:
		for i, f := range src {
			le.PutUint32(raw[4*i:], math.Float32bits(f))
		}
	case F16:
		for i, f := range src {
			le.PutUint16(raw[2*i:], floatToHalf(f))
		}
	case BF16:
		for i, f := range src {
			le.PutUint16(raw[2*i:], floatToBrain(f))
		}
	case F64:
		for i, f := range src {
			le.PutUint64(raw[8*i:], math.Float64bits(float64(f)))
		}
	}
	return raw, nil
}

func checkConversion(d DType, elements, bytes int) error {
	if !d.isFloat() {
		return &FormatError{Got: "dtype " + d.String(), Want: "F32, F16, BF16 or F64"}
	}
	if bytes != elements*d.Size() {
		return &FormatError{
			Got:  fmt.Sprintf("%d bytes of %v", bytes, d),
			Want: fmt.Sprintf("%d bytes, %d elements", elements*d.Size(), elements),
		}
	}
	return nil
}

func halfToFloat(h uint16) float32 {
	sign, rest := uint32(h&0x8000)<<16, uint32(h&0x7fff)<<13
	if h&0x7c00 == 0x7c00 { // infinity or NaN
		return math.Float32frombits(sign | 0x7f800000 | rest)
	}
	// The bits stand for the value times 2^(15-127), subnormal ones included:
	// a power of two puts it right, exactly.
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(rest)*0x1p112))
}

func floatToHalf(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000: // NaN: stays one, quiet, with the upper payload
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= 0x477ff000: // 65520 is halfway to 2^16, which is no finite half
		return sign | 0x7c00
	case b >= 0x38800000: // 2^-14, the least normal half; a carry moves the exponent
		b -= (127 - 15) << 23
		return sign | uint16((b+0xfff+b>>13&1)>>13)
	}
	// In [0.5, 1) one unit in float32's last place is 2^-24, as it is in a
	// subnormal half: the addition does the rounding.
	return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-math.Float32bits(0.5))
}

func floatToBrain(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 { // NaN: rounding could carry it away
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
