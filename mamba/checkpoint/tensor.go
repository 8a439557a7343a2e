package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
)

// Tensor is one tensor of a file. Its methods may be used from several
// goroutines at once until the file is closed; its fields must not be changed.
type Tensor struct {
	Name  string // as written in the file
	DType DType
	Shape []int // row-major; empty for a single number

	path string
	data *io.SectionReader
}

// NewTensor makes a tensor whose bytes data has: little-endian, row-major, from
// byte 0 on. The path is used in messages only. A shape that no tensor has is a
// [*FormatError].
func NewTensor(path, name string, d DType, shape []int, data io.ReaderAt) (*Tensor, error) {
	t := &Tensor{Name: name, DType: d, Shape: shape, path: path}
	n, ok := byteSize(d, shape)
	if !ok || d.Size() == 0 {
		return nil, t.formatError(fmt.Sprintf("%v of shape %v", d, shape), "a dtype, and dimensions whose product is in the range of int")
	}
	t.data = io.NewSectionReader(data, 0, n)
	return t, nil
}

// Elements returns the number of elements, the product of the shape.
func (t *Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Bytes returns the size of the tensor in its file, in bytes.
func (t *Tensor) Bytes() int64 {
	if t.data == nil {
		return 0
	}
	return t.data.Size()
}

// Path returns the path of the file that holds the tensor.
func (t *Tensor) Path() string { return t.path }

// ReadAt reads raw little-endian bytes of the tensor from byte off of it, as
// [io.ReaderAt] asks: at the tensor's end it returns [io.EOF].
func (t *Tensor) ReadAt(p []byte, off int64) (int, error) {
	if t.data == nil {
		return 0, io.EOF
	}
	n, err := t.data.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = t.readError(err)
	}
	return n, err
}

// Through returns the same tensor with its bytes read through wrap's result,
// such as one that takes a checksum on the way. It has the same lifetime.
func (t *Tensor) Through(wrap func(io.ReaderAt) io.ReaderAt) *Tensor {
	c := *t
	if t.data != nil {
		c.data = io.NewSectionReader(wrap(t.data), 0, t.data.Size())
	}
	return &c
}

// Float32 decodes the whole tensor into dst, which grows where it is too
// short (nil will do), and returns it with length Elements. The dtype must be
// F32, F16, BF16 or F64.
func (t *Tensor) Float32(dst []float32) ([]float32, error) {
	if !t.DType.isFloat() {
		return nil, t.formatError("dtype "+t.DType.String(), "F32, F16, BF16 or F64")
	}
	const chunk = 32 << 10 // elements
	n, size := t.Elements(), t.DType.Size()
	dst = slices.Grow(dst[:0], n)[:n]
	buf := make([]byte, min(n, chunk)*size)
	for i := 0; i < n; i += chunk {
		part := dst[i:min(i+chunk, n)]
		raw := buf[:len(part)*size]
		if err := t.readFull(raw, int64(i)*int64(size)); err != nil {
			return nil, err
		}
		if err := Decode(t.DType, part, raw); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// readFull fills p from byte off on; less than that is an error.
func (t *Tensor) readFull(p []byte, off int64) error {
	n, err := t.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = t.readError(io.ErrUnexpectedEOF)
	}
	return err
}

func (t *Tensor) readError(err error) error {
	return fmt.Errorf("checkpoint: %s: tensor %s: %w", t.path, clip(t.Name), err)
}

func (t *Tensor) formatError(got, want string) error {
	return &FormatError{Path: t.path, Tensor: t.Name, Got: got, Want: want}
}

// byteSize returns the bytes of a tensor; false when a dimension is negative
// or a product leaves the range of int.
func byteSize(d DType, shape []int) (int64, bool) {
	n := uint64(1)
	for _, dim := range append(slices.Clone(shape), d.Size()) {
		high, low := bits.Mul64(n, uint64(dim))
		if dim < 0 || high != 0 || low > math.MaxInt {
			return 0, false
		}
		n = low
	}
	return int64(n), true
}
