package cases

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
)

// modulatedSpec is what a case of the modulated scan is made from.
type modulatedSpec struct {
	p      shaders.ModulatedScanParams
	delta  span
	re, im span    // of A, as in holdSpec
	keep   float32 // mean of what a_t is the sigmoid of

	lengths []int // of packed sequences
}

func modulatedScanCases() []Case {
	var list []Case
	for _, n := range complexSizes() {
		list = append(list, layerScan(n.batch, n.length, n.channels, n.states).named("%s", n.name))
	}
	list = append(list, layerScan(1, 33, 40, 208).named("d_state 208, 33 tokens, 40 channels"))
	list = append(list, modulatedPacked()...)
	return append(list, modulatedVaried(2, 50)...)
}

func modulatedScanStepCases() []Case {
	var list []Case
	for _, n := range complexStepSizes() {
		list = append(list, layerScan(n.batch, n.length, n.channels, n.states).named("%s", n.name))
	}
	list = append(list, layerScan(1, 1, 1024, 16).named("d_model 512"))
	return append(list, modulatedVaried(3, 1)...)
}

// modulatedVaried is the other switch, layouts, and steps and decays far from
// the usual.
func modulatedVaried(batch, length int) []Case {
	var list []Case
	eachVaried(batch, length, func(name string, s modulatedSpec) { list = append(list, s.named("%s", name)) })
	s := layerScan(batch, length, 17, 16)
	s.re, s.im, s.delta, s.keep = slowDecay, span{-1e3, 1e3}, span{8, 10}, 4
	return append(list, s.named("Im A of 1e3, delta 10"))
}

// eachVaried calls f for each of modulatedVaried that has gradients worth a case.
func eachVaried(batch, length int, f func(name string, s modulatedSpec)) {
	add := func(name string, states int, edit func(s *modulatedSpec)) {
		s := layerScan(batch, length, 17, states)
		edit(&s)
		f(name, s)
	}
	add("fresh", 16, func(s *modulatedSpec) { s.p.Fresh = true })
	add("fresh, d_state 3", 3, func(s *modulatedSpec) { s.p.Fresh = true })
	add("fresh, d_state 256", 256, func(s *modulatedSpec) { s.p.Fresh = true })
	add("c before b, odd offsets", 5, func(s *modulatedSpec) { s.p.Stride, s.p.OffB, s.p.OffC = 51, 29, 7 })
	add("b and c dense", 16, func(s *modulatedSpec) { s.p.Stride, s.p.OffB, s.p.OffC = 34, 0, 17 })
	add("delta 1e-4, kept", 16, func(s *modulatedSpec) { s.delta, s.keep = span{1e-4, 1e-4}, 6 })
	add("delta 100", 16, func(s *modulatedSpec) { s.delta = span{100, 100} })
	add("Re A = -16", 16, func(s *modulatedSpec) { s.re, s.delta = span{-16, -16}, span{0.01, 1} })
	add("forgotten at once", 16, func(s *modulatedSpec) { s.keep = -20 })
}

// modulatedPacked is sequences of different lengths.
func modulatedPacked() []Case {
	var list []Case
	for _, lengths := range packedLengths {
		for _, states := range []int{16, 208, 256} {
			for _, fresh := range []bool{false, true} {
				_, longest := packing(lengths)
				s := layerScan(len(lengths), longest, 17, states)
				s.p.Packing, _ = packing(lengths)
				s.p.Fresh, s.lengths = fresh, lengths
				list = append(list, s.named("packed %v, d_state %d%s", lengths, states, on(fresh, ", fresh")))
			}
		}
	}
	return list
}

// layerScan is the scan as the layer calls it: b and c behind delta and the
// decays in s_proj's output.
//
// Its a_t is about 0.88.
func layerScan(batch, length, channels, states int) modulatedSpec {
	return modulatedSpec{
		p: shaders.ModulatedScanParams{
			Batch: batch, Length: length, Channels: channels, States: states,
			Stride: 1 + states + 2*channels, OffB: 1 + states, OffC: 1 + states + channels,
		},
		delta: span{1e-3, 0.1}, re: span{-0.6, -0.4}, keep: 2,
	}
}

// named is the case with that name. Turning a state rounds each of its parts
// three times, and adding to it once more, at worst with the same sign: 2e-7 for
// each of the steps that it remembers, which with a = sigmoid(k) are 1 + exp(k),
// doubled because k varies. The first 2e-6 are for the sum over N. A state of
// order 1 that is carried in makes y twice a sum of N terms of order 1, with
// their rounding even where y is small.
func (spec modulatedSpec) named(format string, a ...any) Case {
	steps := min(float64(spec.p.Length), 2+2*math.Exp(float64(spec.keep)))
	tol := Tolerance{Rel: 2e-6 + 2e-7*steps}
	if !spec.p.Fresh {
		tol.Abs = 4 * 0x1p-24 * sqrt(spec.p.States)
	}
	return Case{Name: fmt.Sprintf(format, a...), Params: spec.p, Tol: tol, fill: spec.fill}
}

// fill makes the buffers. The cells are those that the twin of discretize makes.
func (spec modulatedSpec) fill(s *source) []Arg {
	p := spec.p
	tokens := p.Total(p.Batch, p.Length)
	slots, count := s.slots(p.Batch)
	rows := poison(tokens * p.Stride)
	place(rows, s.normal(tokens*p.Channels), p.Channels, p.Stride, p.OffB)
	place(rows, s.normal(tokens*p.Channels), p.Channels, p.Stride, p.OffC)
	weights := s.normal(p.WeightCount())
	for i := range p.Channels * p.States {
		weights[p.Channels*p.States+i] /= float32(sqrt(p.States)) // C
	}
	return []Arg{
		in("u", s.normal(tokens*p.Channels)),
		in("cells", spec.cells(s)),
		in("s", rows),
		in("weights", weights),
		slotsArg(slots, spec.lengths),
		s.state(slots, count, 2*p.Channels*p.States, p.Fresh),
		out("y", poison(tokens*p.Channels)),
	}
}

func (spec modulatedSpec) cells(s *source) []float32 {
	n := spec.p.States
	hold := shaders.DiscretizeParams{
		Rows: spec.p.Total(spec.p.Batch, spec.p.Length), States: n, Stride: 1 + n, OffMod: 1, Modulated: true,
	}
	rows := s.normal(hold.Rows * hold.Stride)
	for i := range rows {
		rows[i] += spec.keep
	}
	place(rows, spec.delta.draw(s, hold.Rows), 1, hold.Stride, 0)
	cells := make([]float32, 4*hold.Rows*n)
	cpu.Discretize(hold, rows, drawA(s, n, n, spec.re, spec.im), cells)
	return cells
}
