package mamba

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// randomSource makes each tensor when it is asked for, so that a whole model
// is never in host memory.
type randomSource struct {
	config ModelConfig
	seed   uint64
	shapes map[string][]int
}

func newRandomSource(c ModelConfig, seed uint64) (*randomSource, error) {
	data, err := checkpoint.HuggingFaceConfig(c)
	if err != nil {
		return nil, err
	}
	if _, err := checkpoint.ParseConfig("ModelConfig", data); err != nil {
		return nil, err
	}
	r := &randomSource{c, seed, map[string][]int{}}
	for name, shape := range c.Shapes() {
		r.shapes[name] = shape
	}
	return r, nil
}

// Tensor gives a tensor of float32 by its name in Hugging Face layout.
func (r *randomSource) Tensor(name string) (*checkpoint.Tensor, error) {
	t := NewTensor(r.shapes[name]...)
	r.fill(name, t.Shape, t.Data)
	return parameters{name: t}.Tensor(name)
}

// InitialValues gives the tensors of the model that [New] makes, each by its name in
// Hugging Face layout, row-major. Errors are those of New about c.
func InitialValues(c ModelConfig, seed uint64) (func(name string) ([]float32, error), error) {
	src, err := newRandomSource(c, seed)
	if err != nil {
		return nil, err
	}
	return func(name string) ([]float32, error) {
		shape, ok := src.shapes[name]
		if !ok {
			return nil, &checkpoint.FormatError{Path: "ModelConfig", Tensor: name, Got: "no such tensor", Want: "one of the model's"}
		}
		t := NewTensor(shape...)
		src.fill(name, t.Shape, t.Data)
		return t.Data, nil
	}, nil
}

// fill sets a tensor's first values as the reference implementation does.
func (r *randomSource) fill(name string, shape []int, v []float32) {
	h := fnv.New64a()
	h.Write([]byte(name))
	rng := rand.New(rand.NewPCG(r.seed, h.Sum64()))
	ends := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
	fan := shape[len(shape)-1]
	switch {
	case ends("A_log"):
		for i := range v {
			v[i] = float32(math.Log(float64(i%fan + 1)))
		}
	case ends("norm.weight"), ends("norm_f.weight"), ends(".D"):
		for i := range v {
			v[i] = 1
		}
	case ends("embeddings.weight"):
		for i := range v {
			v[i] = float32(0.02 * rng.NormFloat64())
		}
	case ends("dt_proj.bias"):
		for i := range v {
			v[i] = float32(inverseSoftplus(logUniformStep(rng)))
		}
	case ends("dt_proj.weight"):
		uniform(rng, v, math.Pow(float64(r.config.DTRank), -0.5))
	case ends("conv1d.weight"), ends("conv1d.bias"):
		uniform(rng, v, math.Pow(float64(r.config.DConv), -0.5))
	case ends("out_proj.weight"):
		uniform(rng, v, math.Pow(float64(fan)*float64(r.config.NLayer), -0.5))
	case ends(".bias"):
		// zero
	default:
		uniform(rng, v, math.Pow(float64(fan), -0.5))
	}
}

func uniform(rng *rand.Rand, v []float32, bound float64) {
	for i := range v {
		v[i] = float32(bound * (2*rng.Float64() - 1))
	}
}

// logUniformStep draws a step size from [1e-3, 1e-1], uniform in its
// logarithm.
func logUniformStep(rng *rand.Rand) float64 {
	lo, hi := math.Log(1e-3), math.Log(1e-1)
	return max(math.Exp(lo+(hi-lo)*rng.Float64()), 1e-4)
}

// inverseSoftplus is the x with log(1 + exp(x)) = y.
func inverseSoftplus(y float64) float64 { return y + math.Log(-math.Expm1(-y)) }
