package mamba

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

// source gives a model's tensors by their names in Hugging Face layout.
type source interface {
	Tensor(name string) (*checkpoint.Tensor, error)
}

// store makes a backend's arrays.
type store[A any] interface {
	// array holds values, which the caller does not use again.
	array(label string, values []float32) (A, error)
	// matrix holds a weight matrix of rows x cols in its own storage type. Of a
	// matrix of integers t has those; scales is nil for others.
	matrix(label string, t, scales *checkpoint.Tensor, rows, cols int) (matrix[A], error)
	// xProj is matrix of x_proj's, and a second time laid out as in_proj_step reads it, if
	// the backend has that kernel and the matrix fits it.
	xProj(label string, t, scales *checkpoint.Tensor, rows, cols int) (m matrix[A], turned A, err error)
	// dtProj holds dt_proj's matrix of rows x cols, laid out as its kernel
	// reads it.
	dtProj(label string, t *checkpoint.Tensor, rows, cols int) (A, shaders.DType, error)
}

// loader builds a network's parameters out of a source.
type loader[A any] struct {
	config ModelConfig
	source source
	store  store[A]
	err    error
}

func loadNetwork[A any](c ModelConfig, src source, st store[A]) (*network[A], error) {
	l := &loader[A]{config: c, source: src, store: st}
	n := &network[A]{config: c, blocks: make([]block[A], c.NLayer)}
	n.embedding = l.matrix("backbone.embeddings.weight", c.VocabSize, c.DModel)
	for i := range n.blocks {
		n.blocks[i] = l.block(fmt.Sprintf("backbone.layers.%d.", i))
	}
	n.normF = l.vector("backbone.norm_f.weight")
	n.head = n.embedding
	if !c.Tied {
		n.head = l.matrix("lm_head.weight", c.VocabSize, c.DModel)
	}
	if l.err != nil {
		return nil, l.err
	}
	return n, nil
}

func (l *loader[A]) block(prefix string) block[A] {
	c := l.config
	mixer := prefix + "mixer."
	var b block[A]
	gain := l.floats(prefix + "norm.weight")
	b.norm = l.array(prefix+"norm.weight", gain)
	b.inProj = l.matrix(mixer+"in_proj.weight", 2*c.DInner, c.DModel)
	conv := []string{mixer + "conv1d.weight"}
	if c.UseConvBias {
		conv = append(conv, mixer+"conv1d.bias")
	}
	taps := l.concat(conv...)
	b.conv = l.array(conv[0], taps)
	b.xProj, b.xTurned = l.xProj(mixer+"x_proj.weight", c.DTRank+2*c.DState, c.DInner)
	b.dtProj, b.dtType = l.dtProj(mixer+"dt_proj.weight", c.DInner, c.DTRank)
	step := l.floats(mixer + "dt_proj.bias")
	b.dtBias = l.array(mixer+"dt_proj.bias", step)
	b.scan = l.scan(mixer, step)
	b.outProj = l.matrix(mixer+"out_proj.weight", c.DModel, c.DInner)
	var inBias []float32
	if c.UseBias {
		inBias = l.floats(mixer + "in_proj.bias")
		b.inBias = l.array(mixer+"in_proj.bias", inBias)
		b.outBias = l.vector(mixer + "out_proj.bias")
	}
	b.small = l.array(mixer+"in_proj_step", slices.Concat(gain, taps, inBias))
	return b
}

// tensor finds a tensor unless something failed before.
func (l *loader[A]) tensor(name string) *checkpoint.Tensor {
	if l.err != nil {
		return nil
	}
	var t *checkpoint.Tensor
	t, l.err = l.source.Tensor(name)
	return t
}

func (l *loader[A]) floats(name string) []float32 {
	t := l.tensor(name)
	if l.err != nil {
		return nil
	}
	var values []float32
	values, l.err = readFloats(t)
	return values
}

// vector holds small tensors one after the other in one array of float32.
func (l *loader[A]) vector(names ...string) A {
	return l.array(names[0], l.concat(names...))
}

// concat is small tensors one after the other.
func (l *loader[A]) concat(names ...string) []float32 {
	var all []float32
	for _, name := range names {
		all = append(all, l.floats(name)...)
	}
	return all
}

func (l *loader[A]) array(label string, values []float32) (a A) {
	if l.err == nil {
		a, l.err = l.store.array(label, values)
	}
	return a
}

// scan is the scan's packed weights: A = -exp(A_log), then D, and for a step the bias
// of the step size.
func (l *loader[A]) scan(mixer string, step []float32) A {
	name := mixer + "A_log"
	a := l.floats(name)
	for i, v := range a {
		a[i] = float32(-math.Exp(float64(v)))
		if l.err == nil && math.IsInf(float64(a[i]), 0) {
			t, _ := l.source.Tensor(name)
			l.err = &checkpoint.FormatError{Path: t.Path(), Tensor: name,
				Got: fmt.Sprintf("%g at element %d", v, i), Want: "logarithms of float32 numbers"}
		}
	}
	return l.array(name, slices.Concat(a, l.floats(mixer+"D"), step))
}

func (l *loader[A]) matrix(name string, rows, cols int) (m matrix[A]) {
	if t, scales := l.weights(name); l.err == nil {
		m, l.err = l.store.matrix(name, t, scales, rows, cols)
	}
	return m
}

func (l *loader[A]) xProj(name string, rows, cols int) (m matrix[A], turned A) {
	if t, scales := l.weights(name); l.err == nil {
		m, turned, l.err = l.store.xProj(name, t, scales, rows, cols)
	}
	return m, turned
}

// weights finds a matrix and, of integers, its scales.
func (l *loader[A]) weights(name string) (t, scales *checkpoint.Tensor) {
	t = l.tensor(name)
	if l.err == nil && storageType(t).Quantized() {
		scales = l.tensor(checkpoint.ScaleName(name))
	}
	return t, scales
}

func (l *loader[A]) dtProj(name string, rows, cols int) (a A, dtype shaders.DType) {
	t := l.tensor(name)
	if l.err == nil {
		a, dtype, l.err = l.store.dtProj(name, t, rows, cols)
	}
	return a, dtype
}

// isDtProj reports whether a tensor is the step size's projection.
func isDtProj(name string) bool { return strings.HasSuffix(name, ".dt_proj.weight") }

// storageType is a file's type as the kernels call it.
func storageType(t *checkpoint.Tensor) shaders.DType {
	switch t.DType {
	case checkpoint.F16:
		return shaders.F16
	case checkpoint.BF16:
		return shaders.BF16
	case checkpoint.I8:
		return shaders.Q8
	case checkpoint.U8:
		return shaders.Q4
	}
	return shaders.F32
}
