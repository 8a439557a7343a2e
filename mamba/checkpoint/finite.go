package checkpoint

import "fmt"

// lanes tests the exponents of all floats in a 64-bit word at once. A float is
// infinite or NaN when its exponent is all ones; then, and only then, adding
// one to the exponent carries into the sign bit, which the mask has cleared.
// No lane carries into the next.
type lanes struct{ exponent, one, carry uint64 }

var floatLanes = [...]lanes{
	F32:  {0x7f800000_7f800000, 0x00800000_00800000, 0x80000000_80000000},
	F16:  {0x7c00_7c00_7c00_7c00, 0x0400_0400_0400_0400, 0x8000_8000_8000_8000},
	BF16: {0x7f80_7f80_7f80_7f80, 0x0080_0080_0080_0080, 0x8000_8000_8000_8000},
	F64:  {0x7ff0000000000000, 0x0010000000000000, 0x8000000000000000},
}

// CheckFinite looks for NaN and infinities in raw, a chunk of t's bytes that
// starts at element first of t (row-major). The first one found is a
// [*FormatError] that names tensor, element and value. So is a dtype other
// than F32, F16, BF16 and F64, and a chunk that ends inside an element.
func CheckFinite(t *Tensor, raw []byte, first int) error {
	size := t.DType.Size()
	if !t.DType.isFloat() {
		return t.formatError("dtype "+t.DType.String(), "F32, F16, BF16 or F64")
	}
	if len(raw)%size != 0 {
		return t.formatError(fmt.Sprintf("a chunk of %d bytes", len(raw)),
			fmt.Sprintf("a multiple of %d, the size of %v", size, t.DType))
	}
	l := floatLanes[t.DType]
	for i := suspect(raw, l); i < len(raw); i += size {
		if l.hit(element(raw[i:], size)) {
			var v [1]float32
			if err := Decode(t.DType, v[:], raw[i:i+size]); err != nil {
				return err
			}
			return t.formatError(fmt.Sprintf("%v at element %d", v[0], first+i/size), "finite values")
		}
	}
	return nil
}

// hit reports whether any float of the word is infinite or NaN.
func (l lanes) hit(word uint64) bool { return (word&l.exponent+l.one)&l.carry != 0 }

// element returns the first size bytes of raw as a number.
func element(raw []byte, size int) uint64 {
	switch size {
	case 2:
		return uint64(le.Uint16(raw))
	case 4:
		return uint64(le.Uint32(raw))
	}
	return le.Uint64(raw)
}

// suspect returns the offset of the first block of raw that may hold something
// not finite: all before it is finite.
func suspect(raw []byte, l lanes) int {
	i := 0
	for ; len(raw)-i >= 64; i += 64 {
		p := raw[i : i+64 : i+64]
		a := le.Uint64(p)&l.exponent + l.one
		a |= le.Uint64(p[8:])&l.exponent + l.one
		a |= le.Uint64(p[16:])&l.exponent + l.one
		a |= le.Uint64(p[24:])&l.exponent + l.one
		a |= le.Uint64(p[32:])&l.exponent + l.one
		a |= le.Uint64(p[40:])&l.exponent + l.one
		a |= le.Uint64(p[48:])&l.exponent + l.one
		a |= le.Uint64(p[56:])&l.exponent + l.one
		if a&l.carry != 0 {
			break
		}
	}
	return i
}
