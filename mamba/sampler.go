package mamba

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// sampler chooses tokens from logits.
type sampler struct {
	opts  GenerateOptions
	limit int // vocabulary rows that may be chosen
	pcg   *rand.PCG
	rng   *rand.Rand   // of pcg
	seen  map[int]bool // tokens of the sequence, for the repetition penalty
	order []candidate  // scratch
}

type candidate struct {
	id    int
	logit float64
	p     float64
}

func newSampler(opts GenerateOptions, limit int) *sampler {
	pcg := rand.NewPCG(opts.Seed, 0)
	return &sampler{opts: opts, limit: limit, pcg: pcg, rng: rand.New(pcg), seen: map[int]bool{}}
}

// seek makes the next choice the one of a place in the sequence.
func (s *sampler) seek(place int) { s.pcg.Seed(s.opts.Seed, uint64(place)) }

// onDevice reports whether the choice is the largest logit as it is.
func (s *sampler) onDevice() bool { return s.opts.Temperature == 0 && !s.penalises() }

func (s *sampler) penalises() bool {
	return s.opts.RepetitionPenalty != 0 && s.opts.RepetitionPenalty != 1
}

// note tells of a token of the sequence.
func (s *sampler) note(id int) {
	if s.penalises() {
		s.seen[id] = true
	}
}

// choose picks a token: logits are penalised (arXiv 1909.05858, section 4.1),
// divided by the temperature, cut to the top k, to the smallest set of
// probability top p (arXiv 1904.09751) and to those of at least min p times
// the largest probability (arXiv 2407.01082), in this order, and drawn from.
func (s *sampler) choose(logits []float32) int {
	c := s.candidates(logits)
	if s.opts.Temperature == 0 {
		return slices.MaxFunc(c, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(a.logit, b.logit), cmp.Compare(b.id, a.id))
		}).id
	}
	slices.SortFunc(c, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id))
	})
	if k := s.opts.TopK; k > 0 && k < len(c) {
		c = c[:k]
	}
	softmax(c, s.opts.Temperature)
	c = topP(c, s.opts.TopP)
	c = minP(c, s.opts.MinP)
	return draw(c, s.rng.Float64())
}

func (s *sampler) candidates(logits []float32) []candidate {
	c := s.order[:0]
	for id, v := range logits[:s.limit] {
		x := float64(v)
		if s.seen[id] {
			if x > 0 {
				x /= s.opts.RepetitionPenalty
			} else {
				x *= s.opts.RepetitionPenalty
			}
			x = max(-math.MaxFloat64, min(x, math.MaxFloat64))
		}
		c = append(c, candidate{id: id, logit: x})
	}
	s.order = c
	return c
}

// softmax sets the probabilities of candidates sorted by falling logit. The
// logits are subtracted before they are divided: however low the temperature,
// the first one's probability is a number.
func softmax(c []candidate, temperature float64) {
	sum := 0.0
	for i := range c {
		c[i].p = math.Exp((c[i].logit - c[0].logit) / temperature)
		sum += c[i].p
	}
	for i := range c {
		c[i].p /= sum
	}
}

// topP keeps the most probable candidates up to the one that brings their
// probability to p.
func topP(c []candidate, p float64) []candidate {
	if p == 0 || p == 1 {
		return c
	}
	sum := 0.0
	for i := range c {
		if sum += c[i].p; sum >= p {
			return c[:i+1]
		}
	}
	return c
}

// minP keeps the candidates of at least p times the largest probability.
func minP(c []candidate, p float64) []candidate {
	n := len(c)
	for n > 1 && c[n-1].p < p*c[0].p {
		n--
	}
	return c[:n]
}

// draw picks a candidate by its probability among those given; r is uniform in
// [0, 1).
func draw(c []candidate, r float64) int {
	sum := 0.0
	for i := range c {
		sum += c[i].p
	}
	r *= sum
	for i := range c {
		if r -= c[i].p; r < 0 {
			return c[i].id
		}
	}
	return c[len(c)-1].id
}
