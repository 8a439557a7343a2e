package mamba

import (
	"fmt"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

// Weights is the type that a model's matrices have in memory. Arithmetic is
// float32 whatever the type.
type Weights string

// The types of matrices. Under the integer types the step size's projection
// keeps its float type, and all that is small is float32.
const (
	WeightsAsStored Weights = ""     // as the checkpoint has them; float32 in a random model
	WeightsF32      Weights = "f32"  // 32-bit floats
	WeightsF16      Weights = "f16"  // 16-bit floats
	WeightsBF16     Weights = "bf16" // upper halves of 32-bit floats
	WeightsQ8       Weights = "q8"   // 8-bit integers and a scale for each row
	WeightsQ4       Weights = "q4"   // 4-bit integers and a scale for each 32 columns
)

// stored is the type as the kernels and as files call it.
func (w Weights) stored() (shaders.DType, checkpoint.DType, error) {
	switch w {
	case WeightsF32:
		return shaders.F32, checkpoint.F32, nil
	case WeightsF16:
		return shaders.F16, checkpoint.F16, nil
	case WeightsBF16:
		return shaders.BF16, checkpoint.BF16, nil
	case WeightsQ8:
		return shaders.Q8, checkpoint.I8, nil
	case WeightsQ4:
		return shaders.Q4, checkpoint.U8, nil
	}
	return 0, 0, &OptionError{"Weights", fmt.Sprintf("%q", string(w)), "f32, f16, bf16, q8 or q4"}
}

// bits is the number of bits of an integer type, 0 of others.
func (w Weights) bits() int {
	switch w {
	case WeightsQ8:
		return 8
	case WeightsQ4:
		return 4
	}
	return 0
}

// converted gives the tensors of a source with matrices of another type. It
// rounds them while they are read, so that no more than some rows are in memory.
type converted struct {
	source
	weights Weights
	dtProj  Weights
	scales  map[string]*checkpoint.Tensor // by name, of matrices that were asked for
}

// convert gives a model's tensors with the matrices that w asks for, and the model's
// configuration with those. dtProj is the type of dt_proj under integers.
func convert(src source, c ModelConfig, w, dtProj Weights) (source, ModelConfig, error) {
	if w == WeightsAsStored {
		return src, c, nil
	}
	if _, _, err := w.stored(); err != nil {
		return nil, c, err
	}
	if c.Bits != 0 {
		if c.Bits != w.bits() {
			return nil, c, &OptionError{"Weights", string(w), fmt.Sprintf("q%d or none: the checkpoint has integers of %d bits", c.Bits, c.Bits)}
		}
		return src, c, nil
	}
	c.Bits = w.bits()
	if c.Bits == 0 {
		dtProj = w
	}
	return &converted{src, w, dtProj, map[string]*checkpoint.Tensor{}}, c, nil
}

// Tensor gives a tensor by its name in Hugging Face layout. The scales of a matrix
// can be had once, after the matrix, and read when the matrix has been.
func (s *converted) Tensor(name string) (*checkpoint.Tensor, error) {
	if t, ok := s.scales[name]; ok {
		delete(s.scales, name)
		return t, nil
	}
	t, err := s.source.Tensor(name)
	to := s.target(name)
	if err != nil || to == WeightsAsStored {
		return t, err
	}
	dtype, file, err := to.stored()
	if err != nil || t.DType == file {
		return t, err
	}
	r := newRowReader(t, dtype)
	if !dtype.Quantized() {
		return checkpoint.NewTensor(t.Path(), t.Name, file, t.Shape, r)
	}
	scaleType, scaleShape := checkpoint.F32, []int{r.rows}
	if dtype == shaders.Q4 {
		scaleType, scaleShape = checkpoint.F16, []int{r.rows, r.scaleBytes / 2}
	}
	scale := checkpoint.ScaleName(name)
	s.scales[scale], err = checkpoint.NewTensor(t.Path(), checkpoint.ScaleName(t.Name), scaleType, scaleShape, (*scaleReader)(r))
	if err != nil {
		return nil, err
	}
	return checkpoint.NewTensor(t.Path(), t.Name, file, []int{r.rows, r.elementBytes}, r)
}

// target is the type that a tensor is converted to.
func (s *converted) target(name string) Weights {
	switch {
	case checkpoint.IsMatrix(name):
		return s.weights
	case isDtProj(name):
		return s.dtProj
	}
	return WeightsF32
}
