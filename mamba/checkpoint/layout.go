package checkpoint

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

const (
	embeddingName         = "backbone.embeddings.weight"
	originalEmbeddingName = "backbone.embedding.weight"
	headName              = "lm_head.weight"
	layersPrefix          = "backbone.layers."
)

// Shapes yields the name, in Hugging Face layout, and the shape of every
// tensor of the model, in the order of its computation; lm_head.weight, when
// untied, comes last. Of a quantised matrix it yields the integers, then the
// scales. The slice is the caller's own.
func (c Config) Shapes() iter.Seq2[string, []int] {
	return func(yield func(string, []int) bool) {
		for s := range c.specs() {
			if !yield(s.name, s.shape()) {
				return
			}
		}
	}
}

// Tensors yields the tensors of [Config.Shapes] with their types; that of a tensor
// which may be F32, F16 or BF16 is 0.
func (c Config) Tensors() iter.Seq[NamedShape] {
	return func(yield func(NamedShape) bool) {
		for s := range c.specs() {
			if !yield(NamedShape{s.name, s.dtype, s.shape()}) {
				return
			}
		}
	}
}

// dim is one axis of a tensor: its size and the field of config.json that
// gives it, empty where none does.
type dim struct {
	size  int
	field string
}

// spec is a tensor that a model has.
type spec struct {
	name  string
	dims  []dim
	dtype DType // 0 for any type that weights may have
}

func (s spec) shape() []int {
	shape := make([]int, len(s.dims))
	for i, d := range s.dims {
		shape[i] = d.size
	}
	return shape
}

// specs yields the model's tensors as files hold them.
func (c Config) specs() iter.Seq[spec] {
	return func(yield func(spec) bool) {
		for s := range c.floatSpecs() {
			parts := []spec{s}
			if c.Bits != 0 && IsMatrix(s.name) {
				parts = s.quantized(c.Bits)
			}
			for _, part := range parts {
				if !yield(part) {
					return
				}
			}
		}
	}
}

// floatSpecs yields the tensors of a model that is not quantised.
func (c Config) floatSpecs() iter.Seq[spec] {
	f := fieldNames(c.Layout)
	d, v := dim{c.DModel, f.dModel}, dim{c.VocabSize, f.vocab}
	return func(yield func(spec) bool) {
		if !yield(spec{name: embeddingName, dims: []dim{v, d}}) {
			return
		}
		block := c.blockSpecs()
		for i := range c.NLayer {
			prefix := layersPrefix + strconv.Itoa(i) + "."
			for _, s := range block {
				if !yield(spec{name: prefix + s.name, dims: s.dims}) {
					return
				}
			}
		}
		if yield(spec{name: "backbone.norm_f.weight", dims: []dim{d}}) && !c.Tied {
			yield(spec{name: headName, dims: []dim{v, d}})
		}
	}
}

// blockSpecs returns the tensors of one layer.
func (c Config) blockSpecs() []spec {
	f := fieldNames(c.Layout)
	d, e, n := dim{c.DModel, f.dModel}, dim{c.DInner, f.dInner}, dim{c.DState, f.dState}
	r, k := dim{c.DTRank, f.dtRank}, dim{c.DConv, f.dConv}
	e2 := dim{2 * c.DInner, f.dInner + " (twice)"}
	rn := dim{c.DTRank + 2*c.DState, f.dtRank + " + 2 " + f.dState}
	var specs []spec
	add := func(name string, dims ...dim) { specs = append(specs, spec{name: name, dims: dims}) }
	add("norm.weight", d)
	add("mixer.in_proj.weight", e2, d)
	if c.UseBias {
		add("mixer.in_proj.bias", e2)
	}
	add("mixer.conv1d.weight", e, dim{1, ""}, k)
	if c.UseConvBias {
		add("mixer.conv1d.bias", e)
	}
	add("mixer.x_proj.weight", rn, e)
	add("mixer.dt_proj.weight", e, r)
	add("mixer.dt_proj.bias", e)
	add("mixer.A_log", e, n)
	add("mixer.D", e)
	add("mixer.out_proj.weight", d, e)
	if c.UseBias {
		add("mixer.out_proj.bias", d)
	}
	return specs
}

// match compares a tensor with what the configuration asks for.
func (s spec) match(t *Tensor) error {
	want := s.shape()
	bad := func(field string) error {
		return &FormatError{Path: t.path, Tensor: t.Name, Field: field,
			Got: fmt.Sprintf("shape %v", t.Shape), Want: fmt.Sprintf("shape %v", want)}
	}
	if s.dtype != 0 && t.DType != s.dtype || s.dtype == 0 && !t.DType.isWeight() {
		return t.formatError("dtype "+t.DType.String(), s.types())
	}
	dims := s.dims
	if strings.HasSuffix(s.name, ".conv1d.weight") && len(t.Shape) == 2 { // (E, K) holds the same bytes as (E, 1, K)
		dims = []dim{dims[0], dims[2]}
	}
	if len(t.Shape) != len(dims) {
		return bad("")
	}
	for i, d := range dims {
		if t.Shape[i] != d.size {
			return bad(d.field)
		}
	}
	return nil
}

// types names the types that the tensor may have.
func (s spec) types() string {
	if s.dtype != 0 {
		return s.dtype.String()
	}
	return "F32, F16 or BF16"
}

// layerOf returns the layer that a tensor belongs to; false when it is none of
// a layer's. A number too large for int counts as the largest.
func layerOf(name string) (int, bool) {
	rest, ok := strings.CutPrefix(name, layersPrefix)
	number, _, dot := strings.Cut(rest, ".")
	if !ok || !dot || strings.Trim(number, "0123456789") != "" {
		return 0, false
	}
	i, err := strconv.Atoi(number)
	return i, err == nil || number != ""
}
