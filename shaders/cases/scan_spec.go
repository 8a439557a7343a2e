package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// span is a range of values. Positive ones are spread evenly by logarithm,
// others evenly.
type span struct{ lo, hi float64 }

// draw is n values of the range.
func (r span) draw(s *source, n int) []float32 {
	if r.lo > 0 {
		return s.logUniform(n, r.lo, r.hi)
	}
	return s.uniform(n, r.lo, r.hi)
}

// scanSpec is what a case of the selective scan is made from.
type scanSpec struct {
	p     shaders.SelectiveScanParams
	delta span // before bias and softplus
	bias  span
	a     span // of A; zero means that A[e,n] is about -(n+1), as a model starts
	m     span // the modulation, if there is one
	tol   Tolerance

	lengths []int // of packed sequences
}

// modelScan is the scan as the model calls it: B and C behind a dt of 3 numbers
// in x_proj's output, z in the second half of in_proj's, D, and steps that are
// ready to use.
//
// The tolerance: a step's decay exp(d A) is off by 2^-24 |d A| exp(d A) from
// rounding its argument, at most 2e-8, and by the exponential's own error and
// the rounding of its result, 2 to 4 units of 2^-24. A state that decays slowly
// collects such an error at every step, at worst with the same sign: 2e-7 for
// each of the steps it remembers, about 100. The first 5e-6 are for the sum
// over N and for silu.
func modelScan(batch, length, channels, states int) scanSpec {
	return scanSpec{
		p: shaders.SelectiveScanParams{
			Batch: batch, Length: length, Channels: channels, States: states,
			BCStride: 3 + 2*states, OffB: 3, OffC: 3 + states,
			ZStride: 2 * channels, OffZ: channels,
			HasZ: true, HasD: true,
		},
		delta: span{1e-3, 0.1},
		tol:   Tolerance{Rel: 5e-6 + 2e-7*float64(min(length, 100))},
	}
}

// generalScan is modelScan with A shared by the channels and with modulation: m
// behind C in rows that are one number longer. The product with m is rounded once
// more, by 2^-24 at each of the steps that a state remembers; |m| <= 1 makes
// these no more.
func generalScan(batch, length, channels, states int) scanSpec {
	spec := modelScan(batch, length, channels, states)
	spec.p.SharedA, spec.p.Modulated = true, true
	spec.p.OffM, spec.p.BCStride = 3+2*states, 4+3*states
	spec.m = span{0.8, 1}
	spec.tol.Rel += 0x1p-24 * float64(min(length, 100))
	return spec
}

// named is the case with that name. A state of order 1 that is carried in makes
// y a sum of N terms of order 1, with their rounding even where y is small; a
// fresh state leaves y as small as the steps are.
func (spec scanSpec) named(format string, a ...any) Case {
	if !spec.p.Fresh {
		spec.tol.Abs = 2 * 0x1p-24 * sqrt(spec.p.States)
	}
	return Case{Name: fmt.Sprintf(format, a...), Params: spec.p, Tol: spec.tol, fill: spec.fill}
}

// fill makes the buffers.
func (spec scanSpec) fill(s *source) []Arg {
	p := spec.p
	slots, count := s.slots(p.Batch)
	state := s.state(slots, count, p.Channels*p.States, p.Fresh)
	return append(scanInputs(s, p, 1, spec.delta, spec.m),
		in("weights", afterA(s, p, spec.drawA(s), spec.bias)),
		slotsArg(slots, spec.lengths),
		state,
		out("y", poison(p.Total(p.Batch, p.Length)*p.Channels)),
	)
}

// drawA is A (E, N) or (N).
func (spec scanSpec) drawA(s *source) []float32 {
	p := spec.p
	n := p.States
	if !p.SharedA {
		n *= p.Channels
	}
	a := spec.a.draw(s, n)
	if spec.a == (span{}) {
		a = s.uniform(n, -1.1, -0.9)
		for i := range a {
			a[i] *= float32(i%p.States + 1)
		}
	}
	return a
}

// scanInputs is u, delta, bc and z. An element of B and C is so many numbers: one, or two
// if they are complex.
func scanInputs(s *source, p shaders.SelectiveScanParams, numbers int, delta, m span) []Arg {
	tokens := p.Total(p.Batch, p.Length)
	u := s.normal(tokens * p.Channels)
	steps := delta.draw(s, tokens*p.Channels)
	width := numbers * p.States
	bc := poison(tokens * p.BCStride)
	place(bc, s.normal(tokens*width), width, p.BCStride, p.OffB)
	place(bc, s.normal(tokens*width), width, p.BCStride, p.OffC)
	if p.Modulated {
		place(bc, m.draw(s, tokens*p.States), p.States, p.BCStride, p.OffM)
	}
	var z []float32
	if p.HasZ {
		z = strided(s.normal(tokens*p.Channels), p.Channels, p.ZStride, p.OffZ)
	}
	return []Arg{in("u", u), in("delta", steps), in("bc", bc), in("z", z)}
}

// afterA is the packed weights, D (E) and bias (E) behind A.
func afterA(s *source, p shaders.SelectiveScanParams, a []float32, bias span) []float32 {
	if p.HasD {
		a = append(a, s.normal(p.Channels)...)
	}
	if p.HasBias {
		a = append(a, bias.draw(s, p.Channels)...)
	}
	return a
}
