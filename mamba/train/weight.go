package train

import "github.com/mambagpu/mambagpu/shaders"

// weight is some of the model's tensors in one array, their gradients, and AdamW's
// moments, all laid out alike.
type weight[A any] struct {
	words                 int
	parts                 []part
	value, gradient, m, v A
}

// part is a tensor in an array: rows of cols elements, stride apart. A tensor that is
// too large for a binding is several of them.
type part struct {
	Parameter
	first              int // element of the array
	firstRow           int // of the tensor
	rows, cols, stride int
	firstSum           int // of its gradient's squares, in activations.sums
}

// span is the number of elements from the part's first to the end of its last row.
func (p part) span() int { return p.rows * p.stride }

// squares are the sums of the squares of its gradient.
func (p part) squares() shaders.SquareSumsParams {
	return shaders.SquareSumsParams{First: p.first, Count: p.span(), OffOut: p.firstSum}
}

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

// ranges are the runs of elements that decay alike.
func (w *weight[A]) ranges() []decayRange {
	var list []decayRange
	for _, p := range w.parts {
		if n := len(list); n > 0 && list[n-1].decays == p.Decays {
			list[n-1].count += p.span()
			continue
		}
		list = append(list, decayRange{p.first, p.span(), p.Decays})
	}
	return list
}

type decayRange struct {
	first, count int
	decays       bool
}
