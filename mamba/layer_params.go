package mamba

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// parameters are a layer's parameters by name, in float32 and in host memory.
// They are what a file holds and what a machine's arrays are made from.
type parameters map[string]Tensor

// shapes are the names and shapes that parameters have.
type shapes map[string][]int

// draw makes parameters, each filled from a generator of its own that depends
// on seed and name alone.
func (s shapes) draw(seed uint64, fill func(rng *rand.Rand, name string, shape []int, v []float32)) parameters {
	p := parameters{}
	for name, shape := range s {
		h := fnv.New64a()
		h.Write([]byte(name))
		t := NewTensor(shape...)
		fill(rand.New(rand.NewPCG(seed, h.Sum64())), name, shape, t.Data)
		p[name] = t
	}
	return p
}

// bytes is the size of all.
func (p parameters) bytes() uint64 {
	n := 0
	for _, t := range p {
		n += len(t.Data)
	}
	return 4 * uint64(n)
}

// Tensor gives a parameter as if a file held it. Only that one is encoded.
func (p parameters) Tensor(name string) (*checkpoint.Tensor, error) {
	var file bytes.Buffer
	if err := (parameters{name: p[name]}).write(&file, nil); err != nil {
		return nil, err
	}
	f, err := checkpoint.OpenReader("memory", bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		return nil, err
	}
	t, _ := f.Tensor(name)
	return t, nil
}

// write writes a safetensors file.
func (p parameters) write(w io.Writer, metadata map[string]string) error {
	var list []checkpoint.NamedData
	for name, t := range p {
		data, err := checkpoint.Encode(checkpoint.F32, t.Data)
		if err != nil {
			return err
		}
		list = append(list, checkpoint.NamedData{Name: name, DType: checkpoint.F32, Shape: t.Shape, Data: data})
	}
	return checkpoint.WriteSafetensors(w, list, metadata)
}

// layerFile is an open file of one layer.
type layerFile struct {
	*checkpoint.File
	path string
}

// formatKey is the entry of a file's metadata that says what it holds.
const formatKey = "mambagpu"

// openLayerFile opens a file that holds what format says, or does not say what
// it holds.
func openLayerFile(path, format string) (*layerFile, error) {
	f, err := checkpoint.OpenFile(path)
	if err != nil {
		return nil, err
	}
	if got, ok := f.Metadata()[formatKey]; ok && got != format {
		f.Close()
		return nil, &checkpoint.FormatError{Path: path, Got: fmt.Sprintf("a file of %q", got), Want: fmt.Sprintf("%q", format)}
	}
	return &layerFile{f, path}, nil
}

func (f *layerFile) error(tensor, got, want string) error {
	return &checkpoint.FormatError{Path: f.path, Tensor: tensor, Got: got, Want: want}
}

// has reports whether the file holds a tensor.
func (f *layerFile) has(name string) bool {
	_, ok := f.File.Tensor(name)
	return ok
}

// sizes is the shape of a tensor that must have so many axes, none empty.
func (f *layerFile) sizes(name string, axes int) ([]int, error) {
	t, ok := f.File.Tensor(name)
	if !ok {
		return nil, f.error(name, "no such tensor", "it")
	}
	if len(t.Shape) != axes || slices.Contains(t.Shape, 0) {
		return nil, f.error(name, fmt.Sprintf("shape %v", t.Shape), fmt.Sprintf("%d axes, none empty", axes))
	}
	return t.Shape, nil
}

// refused turns the error of a configuration into the file's.
func (f *layerFile) refused(err error) error {
	if o, ok := errors.AsType[*OptionError](err); ok {
		return f.error("", fmt.Sprintf("tensors with %s = %v", o.Name, o.Got), o.Want)
	}
	return err
}

// norm is the normalisation whose parameters the file holds.
func (f *layerFile) norm() Norm {
	switch {
	case f.has("norm.bias"):
		return NormLayer
	case f.has("norm.weight"):
		return NormRMS
	}
	return NormNone
}

// number reads an entry of the metadata; without one v stays.
func (f *layerFile) number(key string, v *float64) error {
	text, ok := f.Metadata()[key]
	if !ok {
		return nil
	}
	var err error
	if *v, err = strconv.ParseFloat(text, 64); err != nil {
		return f.error("", fmt.Sprintf("metadata %s: %q", key, text), "a number")
	}
	return nil
}

// read gives the file's tensors, which must be those of the given shapes, in
// F32, F16 or BF16, and finite.
func (f *layerFile) read(want shapes) (parameters, error) {
	for _, name := range f.Names() {
		if _, ok := want[name]; !ok {
			return nil, f.error(name, "a tensor of this name", fmt.Sprintf("%q", slices.Sorted(maps.Keys(want))))
		}
	}
	p := parameters{}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		t, ok := f.File.Tensor(name)
		if !ok {
			return nil, f.error(name, "no such tensor", fmt.Sprintf("shape %v", want[name]))
		}
		if !slices.Equal(t.Shape, want[name]) {
			return nil, f.error(name, fmt.Sprintf("shape %v", t.Shape), fmt.Sprintf("%v", want[name]))
		}
		if d := t.DType; d != checkpoint.F32 && d != checkpoint.F16 && d != checkpoint.BF16 {
			return nil, f.error(name, "dtype "+d.String(), "F32, F16 or BF16")
		}
		values, err := readFloats(t)
		if err != nil {
			return nil, err
		}
		p[name] = Tensor{want[name], values}
	}
	return p, nil
}

// checkExponents requires -exp(v) of a parameter to be in the range of
// float32.
func (p parameters) checkExponents(path, name string) error {
	for i, v := range p[name].Data {
		if math.IsInf(float64(float32(math.Exp(float64(v)))), 0) {
			return &checkpoint.FormatError{Path: path, Tensor: name,
				Got: fmt.Sprintf("%g at element %d", v, i), Want: "logarithms of float32 numbers"}
		}
	}
	return nil
}

func gaussian(rng *rand.Rand, v []float32, deviation float64) {
	for i := range v {
		v[i] = float32(deviation * rng.NormFloat64())
	}
}

func constant(v []float32, c float32) {
	for i := range v {
		v[i] = c
	}
}
