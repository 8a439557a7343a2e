package mamba

import (
	"fmt"
	"strings"
)

// Tensor is an array of float32, row-major: the last axis is contiguous.
type Tensor struct {
	Shape []int
	Data  []float32
}

// ComplexTensor is an array of complex64, row-major.
type ComplexTensor struct {
	Shape []int
	Data  []complex64
}

// NewTensor is a tensor of zeros. It panics if a size is negative.
func NewTensor(shape ...int) Tensor {
	return Tensor{shape, make([]float32, product(shape))}
}

func newComplexTensor(shape ...int) ComplexTensor {
	return ComplexTensor{shape, make([]complex64, product(shape))}
}

// TensorError is returned for a tensor of another shape than is wanted, or
// whose data is not as long as its shape says.
type TensorError struct {
	Name string // as the method's documentation names it
	Got  string
	Want string
}

// Error names the tensor, its shape and what was expected.
func (e *TensorError) Error() string {
	return fmt.Sprintf("mamba: tensor %s has %s, want %s", e.Name, e.Got, e.Want)
}

// axis is a wanted axis of a tensor: a letter, and its size unless that is
// free, which is 0.
type axis struct {
	letter string
	size   int
}

// shaped requires the tensor's axes to be those wanted and none to be empty.
func (t Tensor) shaped(name string, want ...axis) error {
	return checkShape(name, t.Shape, len(t.Data), want)
}

func (t ComplexTensor) shaped(name string, want ...axis) error {
	return checkShape(name, t.Shape, len(t.Data), want)
}

func checkShape(name string, shape []int, elements int, want []axis) error {
	fits := len(shape) == len(want)
	for i := 0; fits && i < len(want); i++ {
		fits = shape[i] >= 1 && (want[i].size == 0 || shape[i] == want[i].size)
	}
	if !fits {
		return &TensorError{name, fmt.Sprintf("shape %v", shape), describe(want)}
	}
	// Divided, not multiplied: the product of foreign sizes may wrap.
	rest := elements
	for _, n := range shape {
		if rest%n != 0 {
			rest = -1
			break
		}
		rest /= n
	}
	if rest != 1 {
		return &TensorError{name, fmt.Sprintf("shape %v and %d elements", shape, elements), "as many elements as its shape has"}
	}
	return nil
}

// describe gives "shape (B, L, 512)".
func describe(want []axis) string {
	parts := make([]string, len(want))
	for i, a := range want {
		parts[i] = a.letter
		if a.size > 0 {
			parts[i] = fmt.Sprint(a.size)
		}
	}
	return "shape (" + strings.Join(parts, ", ") + "), no axis empty"
}
