package train

import "github.com/mambagpu/mambagpu/shaders"

// arrays are what there is of parameters: themselves, their gradients, and AdamW's
// moments, all laid out alike.
type arrays[A any] struct{ value, gradient, m, v A }

// kind is one of them.
type kind uint8

const (
	value kind = iota
	gradient
	firstMoment
	secondMoment
)

// kinds lists them, with how their labels begin.
var kinds = []struct {
	kind  kind
	label string
}{{value, ""}, {gradient, "gradient of "}, {firstMoment, "m of "}, {secondMoment, "v of "}}

func (a *arrays[A]) of(k kind) *A { return [...]*A{&a.value, &a.gradient, &a.m, &a.v}[k] }

// weight is some of the model's tensors side by side, as a kernel binds them: a part of
// the arrays of an arena.
type weight[A any] struct {
	arrays[A]
	parts []part
	first int // word of the arena
	words int
}

// part is a tensor in a weight: rows of cols elements, stride apart. A tensor that is
// too large for a binding is several of them.
type part struct {
	Parameter
	first              int // element of the weight
	firstRow           int // of the tensor
	rows, cols, stride int
	firstSum           int // of its gradient's squares, in activations.sums
}

// span is the number of elements from the part's first to the end of its last row.
func (p part) span() int { return p.rows * p.stride }

// sums is the number of sums of its gradient's squares.
func (p part) sums() int { return (p.span() + shaders.RunLength - 1) / shaders.RunLength }

// spread lays dense values out as the array has them.
func (p part) spread(dense []float32) []float32 {
	if p.stride == p.cols {
		return dense
	}
	out := make([]float32, p.span())
	for r := range p.rows {
		copy(out[r*p.stride:], dense[r*p.cols:(r+1)*p.cols])
	}
	return out
}

// dense takes the padding out of what spread made.
func (p part) dense(spread []float32) []float32 {
	if p.stride == p.cols {
		return spread
	}
	out := make([]float32, p.rows*p.cols)
	for r := range p.rows {
		copy(out[r*p.cols:(r+1)*p.cols], spread[r*p.stride:])
	}
	return out
}
