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
// untied, comes last. The slice is the caller's own.
func (c Config) Shapes() iter.Seq2[string, []int] {
	return func(yield func(string, []int) bool) {
		for s := range c.specs() {
			if !yield(s.name, s.shape()) {
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

type spec struct {
	name string
	dims []dim
}

func (s spec) shape() []int {
	shape := make([]int, len(s.dims))
	for i, d := range s.dims {
		shape[i] = d.size
	}
	return shape
}

func (c Config) specs() iter.Seq[spec] {
	f := fieldNames(c.Layout)
	d, v := dim{c.DModel, f.dModel}, dim{c.VocabSize, f.vocab}
	return func(yield func(spec) bool) {
		if !yield(spec{embeddingName, []dim{v, d}}) {
			return
		}
		block := c.blockSpecs()
		for i := range c.NLayer {
			prefix := layersPrefix + strconv.Itoa(i) + "."
			for _, s := range block {
				if !yield(spec{prefix + s.name, s.dims}) {
					return
				}
			}
		}
		if yield(spec{"backbone.norm_f.weight", []dim{d}}) && !c.Tied {
			yield(spec{headName, []dim{v, d}})
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
	specs := []spec{{"norm.weight", []dim{d}}, {"mixer.in_proj.weight", []dim{e2, d}}}
	if c.UseBias {
		specs = append(specs, spec{"mixer.in_proj.bias", []dim{e2}})
	}
	specs = append(specs, spec{"mixer.conv1d.weight", []dim{e, {1, ""}, k}})
	if c.UseConvBias {
		specs = append(specs, spec{"mixer.conv1d.bias", []dim{e}})
	}
	specs = append(specs,
		spec{"mixer.x_proj.weight", []dim{rn, e}},
		spec{"mixer.dt_proj.weight", []dim{e, r}},
		spec{"mixer.dt_proj.bias", []dim{e}},
		spec{"mixer.A_log", []dim{e, n}},
		spec{"mixer.D", []dim{e}},
		spec{"mixer.out_proj.weight", []dim{d, e}})
	if c.UseBias {
		specs = append(specs, spec{"mixer.out_proj.bias", []dim{d}})
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
	if !t.DType.isWeight() {
		return t.formatError("dtype "+t.DType.String(), "F32, F16 or BF16")
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
