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
	bound float64 // of uniformPattern and scalePattern; of risingPattern the number of values
}

type patternKind int

// The patterns.
const (
	uniformPattern patternKind = iota // evenly in +-bound
	onesPattern                       // 1
	zerosPattern                      // 0
	risingPattern                     // log 1, log 2, ... log bound: A_log
	stepPattern                       // softplus of them lies in [1e-3, 1e-1], evenly by its logarithm
	scalePattern                      // bound
	bytePattern                       // of int8 integers from -127 to 127
	nibblePattern                     // of pairs of 4-bit integers from -7 to 7
)

// patternElements is the length of a pattern: a prime number, so that no two rows
// of a matrix are the same within it.
const patternElements = 262139

// patternOf is what the reference implementation's initialisation gives a tensor
// (its mixer_seq_simple.py and mamba_simple.py), as a pattern. Integers with their
// scales have the same range as the floats that they stand for.
func patternOf(c mamba.ModelConfig, t checkpoint.NamedShape) patternKey {
	ends := func(suffix string) bool { return strings.HasSuffix(t.Name, suffix) }
	fan := float64(t.Shape[len(t.Shape)-1])
	key := patternKey{dtype: t.DType, kind: uniformPattern}
	switch {
	case t.DType == checkpoint.I8:
		key.kind = bytePattern
	case t.DType == checkpoint.U8:
		key.kind = nibblePattern
	case checkpoint.IsScale(t.Name):
		key.kind, key.bound = scalePattern, matrixBound(c, strings.TrimSuffix(t.Name, checkpoint.ScaleName("")))
		if c.Bits == 8 {
			key.bound /= 127
		} else {
			key.bound /= 7
		}
	case ends("A_log"):
		key.kind, key.bound = risingPattern, fan
	case ends("norm.weight"), ends("norm_f.weight"), ends(".D"):
		key.kind = onesPattern
	case ends("dt_proj.bias"):
		key.kind = stepPattern
	case ends("dt_proj.weight"):
		key.bound = math.Pow(float64(c.DTRank), -0.5)
	case ends("conv1d.weight"), ends("conv1d.bias"):
		key.bound = math.Pow(float64(c.DConv), -0.5)
	case checkpoint.IsMatrix(t.Name):
		key.bound = matrixBound(c, t.Name)
	default:
		key.kind = zerosPattern // other biases
	}
	return key
}

// matrixBound is the largest element of a matrix.
func matrixBound(c mamba.ModelConfig, name string) float64 {
	switch {
	case strings.HasSuffix(name, ".in_proj.weight"):
		return math.Pow(float64(c.DModel), -0.5)
	case strings.HasSuffix(name, ".x_proj.weight"):
		return math.Pow(float64(c.DInner), -0.5)
	case strings.HasSuffix(name, ".out_proj.weight"):
		return math.Pow(float64(c.DInner*c.NLayer), -0.5)
	}
	return 0.02 * math.Sqrt(3) // of the embedding: a standard deviation of 0.02
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
	p := key.bytes()
	if ps.bytes == nil {
		ps.bytes = map[patternKey][]byte{}
	}
	ps.bytes[key] = p
	return p
}

// bytes makes the pattern.
func (k patternKey) bytes() []byte {
	n := patternElements
	if k.kind == risingPattern {
		n = int(k.bound) * 1024 // whole rows
	}
	rng := rand.New(rand.NewPCG(uint64(k.kind), math.Float64bits(k.bound)))
	if k.kind == bytePattern || k.kind == nibblePattern {
		return k.integers(rng, n)
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(k.value(rng, i))
	}
	p, err := checkpoint.Encode(k.dtype, values)
	if err != nil {
		panic(err) // newSynthetic takes types of floats only
	}
	return p
}

// integers makes n bytes of integers.
func (k patternKey) integers(rng *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		if k.kind == bytePattern {
			p[i] = byte(int8(rng.IntN(255) - 127))
		} else {
			p[i] = byte(1 + rng.IntN(15) | (1+rng.IntN(15))<<4)
		}
	}
	return p
}

// value is element i of a pattern.
func (k patternKey) value(rng *rand.Rand, i int) float64 {
	switch k.kind {
	case onesPattern:
		return 1
	case zerosPattern:
		return 0
	case scalePattern:
		return k.bound
	case risingPattern:
		return math.Log(float64(i%int(k.bound) + 1))
	case stepPattern:
		step := math.Exp(math.Log(1e-3) + rng.Float64()*math.Log(100))
		return step + math.Log(-math.Expm1(-step)) // the inverse of softplus
	}
	return k.bound * (2*rng.Float64() - 1)
}
