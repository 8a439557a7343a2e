package cases

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/mambagpu/mambagpu/shaders"
)

// complexSpec is what a case of the complex selective scan is made from.
type complexSpec struct {
	p      shaders.ComplexScanParams
	delta  span // before bias and softplus
	bias   span
	re, im span // of A, as in holdSpec
	m      span // the modulation, if there is one
	tol    Tolerance

	lengths []int // of packed sequences
}

func selectiveScanComplexCases() []Case {
	var list []Case
	for _, n := range complexSizes() {
		list = append(list, complexModel(n.batch, n.length, n.channels, n.states).named("%s", n.name))
	}
	for _, length := range []int{1, 7, 8, 9, 33, 100} {
		list = append(list, complexGeneralModel(1, length, 17, 16).named("shared A and m, %d tokens", length))
	}
	list = append(list, complexSwitches(9)...)
	list = append(list, complexGeneral(2, 21)...)
	list = append(list, complexPacked()...)
	return append(list, complexExtremes(2, 50)...)
}

func selectiveScanComplexStepCases() []Case {
	var list []Case
	for _, n := range complexStepSizes() {
		list = append(list, complexModel(n.batch, n.length, n.channels, n.states).named("%s", n.name))
	}
	list = append(list, complexSwitches(1)...)
	list = append(list, complexGeneral(3, 1)...)
	return append(list, complexExtremes(3, 1)...)
}

// complexModel is the scan as a block would call it, with S4D-Lin's A. The
// tolerance is modelScan's: the exponential is turned by a sine and cosine that
// are as good as it, and the state's parts are rounded three times.
func complexModel(batch, length, channels, states int) complexSpec {
	return complexSpec{
		p: shaders.ComplexScanParams{
			Batch: batch, Length: length, Channels: channels, States: states,
			BCStride: 3 + 4*states, OffB: 3, OffC: 3 + 2*states,
			ZStride: 2 * channels, OffZ: channels,
			HasZ: true, HasD: true,
		},
		delta: span{1e-3, 0.1},
		re:    span{-0.6, -0.4},
		tol:   Tolerance{Rel: 5e-6 + 2e-7*float64(min(length, 100))},
	}
}

// complexGeneralModel is complexModel with A shared by the channels and with
// modulation: m behind C in rows that are one number longer. The product with m is
// rounded once more, by 2^-24 at each of the steps that a state remembers; |m| <= 1
// makes these no more.
func complexGeneralModel(batch, length, channels, states int) complexSpec {
	spec := complexModel(batch, length, channels, states)
	spec.p.SharedA, spec.p.Modulated = true, true
	spec.p.OffM, spec.p.BCStride = 3+4*states, 4+5*states
	spec.m = span{0.8, 1}
	spec.tol.Rel += 0x1p-24 * float64(min(length, 100))
	return spec
}

// complexGeneral is scans with modulation: every tile, with and without a shared
// A, a layout, and factors far from the usual. 168 states are the most whose
// cells go through workgroup memory.
func complexGeneral(batch, length int) []Case {
	var list []Case
	for _, states := range []int{1, 3, 16, 17, 64, 100, 168, 169, 256} {
		list = append(list, complexGeneralModel(batch, length, 18, states).named("shared A and m, d_state %d", states))
	}
	for number := range 8 {
		s := complexGeneralModel(batch, length, 18, 5)
		p := &s.p
		p.HasD, p.HasBias, p.SharedA = number&1 != 0, number&2 != 0, number&4 != 0
		p.Fresh = p.HasD != p.HasBias
		if p.HasBias {
			s.bias = span{0, 0.01}
		}
		list = append(list, s.named("%s", switches(on(p.HasD, "D"), on(p.HasBias, "bias"), on(p.Fresh, "fresh"),
			on(p.SharedA, "shared A"), "modulated")))
	}
	add := func(name string, edit func(s *complexSpec)) {
		s := complexGeneralModel(batch, length, 17, 16)
		s.p.HasD = false
		edit(&s)
		list = append(list, s.named("%s", name))
	}
	add("m before C before B", func(s *complexSpec) { s.p.BCStride, s.p.OffM, s.p.OffC, s.p.OffB = 91, 1, 19, 57 })
	add("m of either sign", func(s *complexSpec) { s.m = span{-1, 1} })
	add("m 0 forgets", func(s *complexSpec) { s.m = span{0, 0} })
	add("m 1, delta 0 keeps the state", func(s *complexSpec) { s.m, s.delta = span{1, 1}, span{0, 0} })
	add("m about 1, slow decay", func(s *complexSpec) { s.m, s.re = span{0.99, 1}, span{-2e-3, -1e-3} })
	add("m 1e-6 to 1, delta 1e-4 to 100", func(s *complexSpec) { s.m, s.delta = span{1e-6, 1}, span{1e-4, 100} })
	return list
}

// complexPacked is sequences of different lengths.
func complexPacked() []Case {
	var list []Case
	for _, lengths := range packedLengths {
		add := func(spec complexSpec, fresh bool, format string, a ...any) {
			spec.p.Packing, _ = packing(lengths)
			spec.p.Fresh, spec.lengths = fresh, lengths
			list = append(list, spec.named("packed %v, "+format, append([]any{lengths}, a...)...))
		}
		_, longest := packing(lengths)
		for _, states := range []int{16, 256} {
			add(complexModel(len(lengths), longest, 17, states), false, "d_state %d", states)
			add(complexModel(len(lengths), longest, 17, states), true, "d_state %d, fresh", states)
		}
		for _, states := range []int{16, 168, 256} {
			add(complexGeneralModel(len(lengths), longest, 17, states), false, "shared A and m, d_state %d", states)
		}
	}
	return list
}

// complexSwitches is half of the combinations of the switches, those of an even
// number: any five take all their values.
func complexSwitches(length int) []Case {
	var list []Case
	for number := range 64 {
		if bits.OnesCount(uint(number))%2 != 0 {
			continue
		}
		s := complexModel(2, length, 18, 5)
		p := &s.p
		p.HasZ, p.HasD, p.HasBias = number&1 != 0, number&2 != 0, number&4 != 0
		p.Softplus, p.Fresh, p.SharedA = number&8 != 0, number&16 != 0, number&32 != 0
		name := s.switched()
		list = append(list, s.named("%s", name))
	}
	return list
}

// switched fits the spec to its switches and names them. A step that softplus
// made is off by 4e-7, which turns a state by that times its angle, here up to
// 6: a few steps' worth of that in all.
func (spec *complexSpec) switched() string {
	p := &spec.p
	if p.HasBias && !p.Softplus {
		spec.bias = span{0, 0.01} // the step has to stay positive
	}
	if p.Softplus {
		spec.delta, spec.bias, spec.im = span{-4, 1}, span{-1, 1}, span{-3, 3}
		spec.tol.Rel += 1e-5
	}
	if !p.HasZ {
		p.ZStride, p.OffZ = 0, 0
	}
	return switches(
		on(p.HasZ, "z"), on(p.HasD, "D"), on(p.HasBias, "bias"), on(p.Softplus, "softplus"),
		on(p.Fresh, "fresh"), on(p.SharedA, "shared A"))
}

// complexExtremes is layouts, and steps and decays far from the usual, without
// D, which would hide a small sum.
func complexExtremes(batch, length int) []Case {
	var list []Case
	add := func(name string, states int, edit func(s *complexSpec)) {
		s := complexModel(batch, length, 17, states)
		s.p.HasD = false
		edit(&s)
		list = append(list, s.named("%s", name))
	}
	add("C before B, odd offsets", 5, func(s *complexSpec) { s.p.BCStride, s.p.OffB, s.p.OffC = 43, 29, 7 })
	add("B and C dense, shared A", 16, func(s *complexSpec) {
		s.p.BCStride, s.p.OffB, s.p.OffC, s.p.SharedA = 64, 0, 32, true
	})
	add("shared A, d_state 100", 100, func(s *complexSpec) { s.p.SharedA = true })
	add("shared A, d_state 256, fresh", 256, func(s *complexSpec) { s.p.SharedA, s.p.Fresh = true, true })
	add("delta 1e-4, zero state, no z", 16, func(s *complexSpec) {
		s.delta, s.p.Fresh, s.p.HasZ, s.p.ZStride, s.p.OffZ = span{1e-4, 1e-4}, true, false, 0, 0
	})
	add("Im A about 255 pi, delta 1", 16, func(s *complexSpec) {
		s.re, s.im, s.delta = slowDecay, span{250 * math.Pi, 255 * math.Pi}, span{0.5, 1}
	})
	add("Im A of 1e3, delta 1e-4 to 10", 16, func(s *complexSpec) { s.re, s.im, s.delta = slowDecay, span{900, 1e3}, span{1e-4, 10} })
	for _, e := range complexEdits {
		add(e.name, 16, e.edit)
	}
	return list
}

// slowDecay is Re A of states that live for many steps.
var slowDecay = span{-0.01, 0}

// complexEdits is steps and decays far from the usual.
var complexEdits = []struct {
	name string
	edit func(s *complexSpec)
}{
	{"delta 1e-4", func(s *complexSpec) { s.delta = span{1e-4, 1e-4} }},
	{"delta 100", func(s *complexSpec) { s.delta = span{100, 100} }},
	{"delta 1e-4 to 100", func(s *complexSpec) { s.delta = span{1e-4, 100} }},
	{"delta 0 keeps the state", func(s *complexSpec) { s.delta = span{0, 0} }},
	{"Re A = -16", func(s *complexSpec) { s.re, s.delta = span{-16, -16}, span{0.01, 1} }},
	{"Im A of 1e3, delta 10", func(s *complexSpec) { s.re, s.im, s.delta = slowDecay, span{-1e3, 1e3}, span{8, 10} }},
	{"A about 0", func(s *complexSpec) { s.re, s.im = span{-1e-6, 0}, span{-1e-6, 1e-6} }},
	{"A real", func(s *complexSpec) { s.re, s.im = span{-16, -1}, span{1e-37, 1e-37} }},
}

// named is the case with that name; its absolute tolerance is that of
// modulatedSpec.
func (spec complexSpec) named(format string, a ...any) Case {
	if !spec.p.Fresh {
		spec.tol.Abs = 4 * 0x1p-24 * sqrt(spec.p.States)
	}
	return Case{Name: fmt.Sprintf(format, a...), Params: spec.p, Tol: spec.tol, fill: spec.fill}
}

// fill makes the buffers.
func (spec complexSpec) fill(s *source) []Arg {
	p := shaders.SelectiveScanParams(spec.p)
	slots, count := s.slots(p.Batch)
	return append(scanInputs(s, p, 2, spec.delta, spec.m),
		in("weights", afterA(s, p, spec.drawA(s), spec.bias)),
		slotsArg(slots, spec.lengths),
		s.state(slots, count, 2*p.Channels*p.States, p.Fresh),
		out("y", poison(p.Total(p.Batch, p.Length)*p.Channels)),
	)
}

// drawA is A (E, N, 2) or (N, 2).
func (spec complexSpec) drawA(s *source) []float32 {
	n := spec.p.States
	if !spec.p.SharedA {
		n *= spec.p.Channels
	}
	return drawA(s, n, spec.p.States, spec.re, spec.im)
}
