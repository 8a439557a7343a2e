package mamba

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// logitsOf gives logits whose softmax at temperature 1 is p.
func logitsOf(p ...float64) []float32 {
	v := make([]float32, len(p))
	for i := range p {
		v[i] = float32(math.Log(p[i]) + 3)
	}
	return v
}

// drawing compares the frequencies of many draws with probabilities. The bound
// on chi square of at most seven degrees of freedom is passed by chance less
// than once in a million.
func drawing(t *testing.T, name string, opts GenerateOptions, logits []float32, seen []int, want ...float64) {
	t.Helper()
	const draws = 20_000
	opts.Seed = 42
	s := newSampler(opts, len(logits))
	for _, id := range seen {
		s.note(id)
	}
	counts := make([]int, len(logits))
	for range draws {
		counts[s.choose(logits)]++
	}
	chi := 0.0
	for i, p := range want {
		if p == 0 {
			assert.Zero(t, counts[i], "%s: token %d", name, i)
			continue
		}
		d := float64(counts[i]) - draws*p
		chi += d * d / (draws * p)
	}
	assert.Less(t, chi, 41.0, "%s: %v of %v", name, counts, want)
}

// normal divides by the sum.
func normal(p ...float64) []float64 {
	sum := 0.0
	for _, x := range p {
		sum += x
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// TestSamplerPlaces draws at each place of sequences: the numbers are uniform,
// tell nothing about the next, and depend on seed and place alone.
func TestSamplerPlaces(t *testing.T) {
	const places, bins = 1 << 16, 16
	for _, seed := range []uint64{0, 1, math.MaxUint64} {
		s := newSampler(GenerateOptions{Seed: seed}, 1)
		at := func(place int) float64 { s.seek(place); return s.rng.Float64() }
		var pairs [bins][bins]float64
		before := at(0)
		for i := range places {
			x := at(i + 1)
			pairs[int(bins*before)][int(bins*x)]++
			before = x
		}
		chi, each := 0.0, float64(places)/(bins*bins)
		for _, row := range pairs {
			for _, n := range row {
				chi += (n - each) * (n - each) / each
			}
		}
		// 255 degrees of freedom: by chance above 375 once in a million.
		assert.Less(t, chi, 375.0, "seed %d", seed)
		assert.Equal(t, at(7), at(7))
		assert.NotEqual(t, at(7), at(8))
	}
}

func TestSamplerFrequencies(t *testing.T) {
	p := []float64{0.1, 0.4, 0.05, 0.2, 0.25}
	l := logitsOf(p...)
	sq := func(x float64) float64 { return x * x }
	drawing(t, "temperature 1", GenerateOptions{Temperature: 1}, l, nil, p...)
	drawing(t, "temperature 1/2", GenerateOptions{Temperature: 0.5}, l, nil, normal(sq(0.1), sq(0.4), sq(0.05), sq(0.2), sq(0.25))...)
	drawing(t, "temperature 2", GenerateOptions{Temperature: 2}, l, nil,
		normal(math.Sqrt(0.1), math.Sqrt(0.4), math.Sqrt(0.05), math.Sqrt(0.2), math.Sqrt(0.25))...)
	drawing(t, "top k 2", GenerateOptions{Temperature: 1, TopK: 2}, l, nil, normal(0, 0.4, 0, 0, 0.25)...)
	drawing(t, "top k 1", GenerateOptions{Temperature: 1, TopK: 1}, l, nil, 0, 1, 0, 0, 0)
	drawing(t, "top k of more than all", GenerateOptions{Temperature: 1, TopK: 100}, l, nil, p...)
	drawing(t, "top p 0.6", GenerateOptions{Temperature: 1, TopP: 0.6}, l, nil, normal(0, 0.4, 0, 0, 0.25)...)
	drawing(t, "top p 0.7", GenerateOptions{Temperature: 1, TopP: 0.7}, l, nil, normal(0, 0.4, 0, 0.2, 0.25)...)
	drawing(t, "top p next to none", GenerateOptions{Temperature: 1, TopP: 1e-12}, l, nil, 0, 1, 0, 0, 0)
	drawing(t, "top p 1", GenerateOptions{Temperature: 1, TopP: 1}, l, nil, p...)
	drawing(t, "min p 0.45", GenerateOptions{Temperature: 1, MinP: 0.45}, l, nil, normal(0, 0.4, 0, 0.2, 0.25)...)
	drawing(t, "min p 1", GenerateOptions{Temperature: 1, MinP: 1}, l, nil, 0, 1, 0, 0, 0)
}

// TestSamplerOrder fixes the order of operations, each case giving another set
// in another order.
func TestSamplerOrder(t *testing.T) {
	l := logitsOf(0.4, 0.3, 0.2, 0.1)
	// Top k renormalises: 0.4/0.7 reaches 0.55, 0.4 alone would not.
	drawing(t, "top k, top p", GenerateOptions{Temperature: 1, TopK: 2, TopP: 0.55}, l, nil, 1, 0, 0, 0)
	drawing(t, "top p alone", GenerateOptions{Temperature: 1, TopP: 0.55}, l, nil, normal(0.4, 0.3, 0, 0)...)
	// Temperature 1/2 gives 0.533, 0.3, 0.133, 0.033: two reach 0.8, at temperature 1 three do.
	drawing(t, "temperature, top p", GenerateOptions{Temperature: 0.5, TopP: 0.8}, l, nil, normal(0.16, 0.09, 0, 0)...)
	drawing(t, "temperature, min p", GenerateOptions{Temperature: 0.5, MinP: 0.6}, l, nil, 1, 0, 0, 0)
	// The penalty comes first: 2/4 falls behind 1 and -1*4 to the end.
	drawing(t, "penalty, top k", GenerateOptions{Temperature: 1, RepetitionPenalty: 4, TopK: 2}, []float32{2, 1, 0, -1}, []int{0}, normal(math.Exp(0.5), math.E, 0, 0)...)
}

func TestSamplerPenalty(t *testing.T) {
	e := math.Exp
	l := []float32{2, 1, 0, -1}
	drawing(t, "of what was seen", GenerateOptions{Temperature: 1, RepetitionPenalty: 2}, l, []int{0, 3, 3, 9},
		normal(e(1), e(1), e(0), e(-2))...)
	drawing(t, "of nothing", GenerateOptions{Temperature: 1, RepetitionPenalty: 2}, l, nil, normal(e(2), e(1), e(0), e(-1))...)
	drawing(t, "below one", GenerateOptions{Temperature: 1, RepetitionPenalty: 0.5}, l, []int{1, 3}, normal(e(2), e(2), e(0), e(-0.5))...)
	greedy := newSampler(GenerateOptions{RepetitionPenalty: 3}, 4)
	greedy.note(0)
	assert.Equal(t, 1, greedy.choose(l))
	assert.False(t, greedy.onDevice())
	assert.True(t, newSampler(GenerateOptions{RepetitionPenalty: 1}, 4).onDevice())
}

// TestSamplerExtremes keeps the choice a number whatever the options.
func TestSamplerExtremes(t *testing.T) {
	l := []float32{-3, 5, math.MaxFloat32, -math.MaxFloat32, math.MaxFloat32}
	for _, temperature := range []float64{math.SmallestNonzeroFloat64, 1e-300, 1e-3, 1} {
		for _, penalty := range []float64{0, math.SmallestNonzeroFloat64, 1e300} {
			name := fmt.Sprint(temperature, " ", penalty)
			s := newSampler(GenerateOptions{Temperature: temperature, RepetitionPenalty: penalty, TopP: 0.9}, len(l))
			s.note(3)
			if penalty != 1e300 {
				s.note(2)
			}
			for range 10 {
				id := s.choose(l)
				assert.Contains(t, []int{2, 4}, id, name)
			}
		}
	}
	drawing(t, "hot", GenerateOptions{Temperature: math.MaxFloat64}, l, nil, 0.2, 0.2, 0.2, 0.2, 0.2)
}

// TestSamplerGreedy takes the first of the largest logits.
func TestSamplerGreedy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Map(rapid.IntRange(-3, 3), func(i int) float32 { return float32(i) }), 1, 30).Draw(t, "logits")
		limit := rapid.IntRange(1, len(logits)).Draw(t, "limit")
		s := newSampler(GenerateOptions{RepetitionPenalty: 1 + 1e-12}, limit)
		assert.Equal(t, argmaxOf(logits[:limit]), s.choose(logits))
		drawn := newSampler(GenerateOptions{Temperature: 1, Seed: 1}, limit).choose(logits)
		assert.Less(t, drawn, limit)
	})
}

// TestSamplerTies draws the first of equal candidates that are cut.
func TestSamplerTies(t *testing.T) {
	l := []float32{1, 2, 2, 2}
	drawing(t, "top k", GenerateOptions{Temperature: 1, TopK: 2}, l, nil, 0, 0.5, 0.5, 0)
	drawing(t, "top p", GenerateOptions{Temperature: 1, TopP: 0.01}, l, nil, 0, 1, 0, 0)
}
