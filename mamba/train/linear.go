package train

import "github.com/mambagpu/mambagpu/shaders"

// linear is a product with a weight matrix W (O, I) of the network and what its
// backward pass does with it:
//
//	y[r] = W x[r] + b    of rows rows
//
// x[r] begins at element r*ldx+offX of its array, y[r] at r*ldy+offY; so do their
// gradients. x and y may lie in halves, their gradients do not.
type linear[A any] struct {
	w, bias          *weight[A] // bias may be nil
	rows             int
	ldx, offX        int
	ldy, offY        int
	halvesX, halvesY bool
}

// forward makes y; with add it is added to what is there.
func (l linear[A]) forward(s operations[A], x, y A, add bool) {
	p := shaders.MatmulParams{
		M: l.rows, N: l.outputs(), K: l.inputs(), LDA: l.ldx, OffA: l.offX, LDC: l.ldy, OffC: l.offY, Add: add,
		HalvesA: l.halvesX, HalvesC: l.halvesY,
	}
	var bias A
	if l.bias != nil {
		p.Bias, bias = true, l.bias.value
	}
	s.matmul(p, x, l.w.value, bias, y)
}

// input makes the gradient of x of that of y; with add it is added to what is there.
func (l linear[A]) input(s operations[A], dy, dx A, add bool) {
	s.matmul(shaders.MatmulParams{
		M: l.rows, N: l.inputs(), K: l.outputs(), LDA: l.ldy, OffA: l.offY, LDC: l.ldx, OffC: l.offX,
		LDW: s.stride(l.inputs()), TransW: true, Add: add,
	}, dy, l.w.value, *new(A), dx)
}

// weights adds to the gradients of W and b.
func (l linear[A]) weights(s operations[A], dy, x A) {
	s.matmul(shaders.MatmulParams{
		M: l.outputs(), N: l.inputs(), K: l.rows, LDA: l.ldy, OffA: l.offY, LDW: l.ldx, OffW: l.offX,
		LDC: s.stride(l.inputs()), TransA: true, TransW: true, Add: true,
		HalvesW: l.halvesX,
	}, dy, x, *new(A), l.w.gradient)
	if l.bias != nil {
		s.columnSums(shaders.ColumnSumsParams{
			Rows: l.rows, Columns: l.outputs(), Stride: l.ldy, Offset: l.offY,
		}, dy, l.bias.gradient)
	}
}

func (l linear[A]) outputs() int { return l.w.parts[0].rows }
func (l linear[A]) inputs() int  { return l.w.parts[0].cols }
