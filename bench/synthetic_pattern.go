package bench

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// patternKey says what a tensor repeats.
type patternKey struct {
	dtype checkpoint.DType
	kind  patternKind
	bound float64 // of uniformPattern; of risingPattern the number of values
}

type patternKind int

// The patterns.
const (
	uniformPattern patternKind = iota // evenly in +-bound
	onesPattern                       // 1
	zerosPattern                      // 0
	risingPattern                     // log 1, log 2, ... log bound: A_log
	stepPattern                       // softplus of them lies in [1e-3, 1e-1], evenly by its logarithm
)

// patternElements is the length of a pattern: a prime number, so that no two rows
// of a matrix are the same within it.
const patternElements = 262139

// patternOf is what the reference implementation's initialisation gives a tensor
// (its mixer_seq_simple.py and mamba_simple.py), as a pattern.
func patternOf(c mamba.ModelConfig, name string, shape []int, dtype checkpoint.DType) patternKey {
	ends := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
	fan := float64(shape[len(shape)-1])
	key := patternKey{dtype: dtype, kind: uniformPattern}
	switch {
	case ends("A_log"):
		key.kind, key.bound = risingPattern, fan
	case ends("norm.weight"), ends("norm_f.weight"), ends(".D"):
		key.kind = onesPattern
	case ends("dt_proj.bias"):
		key.kind = stepPattern
	case ends("embeddings.weight"), ends("lm_head.weight"):
		key.bound = 0.02 * math.Sqrt(3) // a standard deviation of 0.02
	case ends("dt_proj.weight"):
		key.bound = math.Pow(float64(c.DTRank), -0.5)
	case ends("conv1d.weight"), ends("conv1d.bias"):
		key.bound = math.Pow(float64(c.DConv), -0.5)
	case ends("out_proj.weight"):
		key.bound = math.Pow(fan*float64(c.NLayer), -0.5)
	case ends(".bias"):
		key.kind = zerosPattern
	default:
		key.bound = math.Pow(fan, -0.5)
	}
	return key
}

// patterns holds the bytes of patterns, each made once.
type patterns struct {
	mu    sync.Mutex
	bytes map[patternKey][]byte
}

// fill fills p with a pattern without end, from its byte off on.
func (ps *patterns) fill(p []byte, key patternKey, off int64) {
	pattern := ps.pattern(key)
	at := int(off % int64(len(pattern)))
	for len(p) > 0 {
		n := copy(p, pattern[at:])
		p, at = p[n:], 0
	}
}

func (ps *patterns) pattern(key patternKey) []byte {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.bytes[key]; p != nil {
		return p
	}
	n := patternElements
	if key.kind == risingPattern {
		n = int(key.bound) * 1024 // whole rows
	}
	values := make([]float32, n)
	rng := rand.New(rand.NewPCG(uint64(key.kind), math.Float64bits(key.bound)))
	for i := range values {
		values[i] = float32(key.value(rng, i))
	}
	p, err := checkpoint.Encode(key.dtype, values)
	if err != nil {
		panic(err) // newSynthetic takes types of floats only
	}
	if ps.bytes == nil {
		ps.bytes = map[patternKey][]byte{}
	}
	ps.bytes[key] = p
	return p
}

// value is element i of a pattern.
func (k patternKey) value(rng *rand.Rand, i int) float64 {
	switch k.kind {
	case onesPattern:
		return 1
	case zerosPattern:
		return 0
	case risingPattern:
		return math.Log(float64(i%int(k.bound) + 1))
	case stepPattern:
		step := math.Exp(math.Log(1e-3) + rng.Float64()*math.Log(100))
		return step + math.Log(-math.Expm1(-step)) // the inverse of softplus
	}
	return k.bound * (2*rng.Float64() - 1)
}
