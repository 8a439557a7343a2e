package checkpoint

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

const (
	quantMethod  = "mambagpu" // quant_method of this package's format
	scaleSuffix  = "_scale"
	groupSize    = 32 // columns that share a scale of 4-bit integers
	groupBytes   = groupSize / 2
	zeroNibbles  = 0x88 // two 4-bit integers that stand for zero
	wholeRow     = -1   // group_size of 8-bit integers
	quantization = "quantization_config"
)

// ScaleName is the name of the tensor that holds the scales of a quantised
// matrix.
func ScaleName(matrix string) string { return matrix + scaleSuffix }

// IsMatrix reports whether a model's tensor, by its name in Hugging Face layout,
// is a matrix that quantisation rounds to integers: the embedding, the output
// matrix and the projections, but not dt_proj, which is small and whose result
// goes into an exponential.
func IsMatrix(name string) bool {
	switch name {
	case embeddingName, headName:
		return true
	}
	for _, suffix := range []string{".in_proj.weight", ".x_proj.weight", ".out_proj.weight"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// IsScale reports whether a model's tensor, by its name, holds a matrix's scales.
func IsScale(name string) bool {
	matrix, ok := strings.CutSuffix(name, scaleSuffix)
	return ok && IsMatrix(matrix)
}

// quantized gives the two tensors that stand for a matrix of integers.
func (s spec) quantized(bits int) []spec {
	rows, cols := s.dims[0], s.dims[1]
	scale := ScaleName(s.name)
	if bits == 8 {
		return []spec{{s.name, s.dims, I8}, {scale, []dim{rows}, F32}}
	}
	groups := (cols.size + groupSize - 1) / groupSize
	return []spec{
		{s.name, []dim{rows, {groups * groupBytes, cols.field}}, U8},
		{scale, []dim{rows, {groups, cols.field}}, F16},
	}
}

// CheckIntegers looks through whole rows of a quantised matrix of cols columns,
// the first of which is row first: 8-bit integers must not be -128, and 4-bit
// ones past the last column must be zero, which is 8. The first that is not so is
// a [*FormatError] that names the tensor, the row and the column.
func CheckIntegers(t *Tensor, raw []byte, cols, first int) error {
	bad := func(row, col int, got, want string) error {
		return t.formatError(fmt.Sprintf("%s in row %d, column %d", got, first+row, col), want)
	}
	if t.DType == I8 {
		if i := bytes.IndexByte(raw, 0x80); i >= 0 {
			return bad(i/cols, i%cols, "-128", "-127 to 127")
		}
		return nil
	}
	width := (cols + groupSize - 1) / groupSize * groupBytes
	from := cols / 8 * 4 // the first byte of a row that has columns past the last
	for row := 0; cols%groupSize != 0 && row < len(raw)/width; row++ {
		for i := from; i < width; i++ {
			low := i/4*8 + i%4
			b := raw[row*width+i]
			if low >= cols && b&0x0f != zeroNibbles&0x0f {
				return bad(row, low, fmt.Sprint(b&0x0f), "8, as in all columns past the last")
			}
			if low+4 >= cols && b&0xf0 != zeroNibbles&0xf0 {
				return bad(row, low+4, fmt.Sprint(b>>4), "8, as in all columns past the last")
			}
		}
	}
	return nil
}

// CheckScales looks through the scales of a quantised matrix, the first of which
// is element first of t. Each must be finite and no negative zero; those of 8-bit
// integers must not be negative, and 127 times as large must be finite. The first
// that is not so is a [*FormatError] that names the tensor, the element and the
// value.
func CheckScales(t *Tensor, raw []byte, first int) error {
	if err := CheckFinite(t, raw, first); err != nil {
		return err
	}
	size := t.DType.Size()
	for i := 0; i < len(raw); i += size {
		bad := func(got any, want string) error {
			return t.formatError(fmt.Sprintf("the scale %v at element %d", got, first+i/size), want)
		}
		if t.DType == F16 {
			if le.Uint16(raw[i:]) == 0x8000 {
				return bad("-0", "0 or another number")
			}
			continue
		}
		v := math.Float32frombits(le.Uint32(raw[i:]))
		if math.Signbit(float64(v)) {
			return bad(v, "0 or more")
		}
		if math.IsInf(float64(v*127), 0) {
			return bad(v, "a number whose 127-fold is finite")
		}
	}
	return nil
}

// quantizedBits reads quantization_config: 0 when there is none.
func (o *object) quantizedBits() (int, error) {
	if !o.has(quantization) {
		return 0, nil
	}
	q := o.object(quantization)
	method := q.text("quant_method", "")
	if *o.err != nil {
		return 0, *o.err
	}
	if method != quantMethod {
		return 0, &UnsupportedError{Path: o.path, What: "quantization_config with quant_method " + clip(fmt.Sprintf("%q", method)),
			Way: `take the model's float weights; "mambagpu quantize" rounds them to 8 or 4 bits`}
	}
	bits := q.size("bits")
	if bits != 8 && bits != 4 {
		q.fail("bits", "8 or 4")
	}
	if want := GroupSize(bits); string(q.values["group_size"]) != fmt.Sprint(want) {
		q.fail("group_size", fmt.Sprintf("%d, as of all models of %d bits", want, bits))
	}
	return bits, *o.err
}

// GroupSize is the number of columns that share a scale, as quantization_config
// has it: 32 of 4-bit integers; of 8-bit ones -1, which stands for the whole row.
func GroupSize(bits int) int {
	if bits == 4 {
		return groupSize
	}
	return wholeRow
}

// quantizationConfig is quantization_config as it is written.
type quantizationConfig struct {
	Method string `json:"quant_method"`
	Bits   int    `json:"bits"`
	Group  int    `json:"group_size"`
}

// newQuantizationConfig is that of so many bits; nil for 0.
func newQuantizationConfig(bits int) *quantizationConfig {
	if bits == 0 {
		return nil
	}
	return &quantizationConfig{quantMethod, bits, GroupSize(bits)}
}
