package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// backwardSizes is (batch, length, channels, states) around the edges of tiles of 8, 16
// and 32 steps and lanes, of 32, 16 and 8 channels, and of chunks.
var backwardSizes = [][4]int{
	{1, 1, 1, 1}, {1, 1, 17, 16}, {2, 2, 3, 3}, {1, 7, 31, 8}, {1, 8, 32, 16}, {1, 9, 33, 17}, {3, 16, 5, 5},
	{2, 17, 65, 16}, {1, 63, 20, 16}, {1, 64, 20, 16}, {1, 65, 20, 16}, {1, 100, 40, 16}, {1, 300, 17, 16},
	{2, 20, 20, 64}, {1, 33, 17, 65}, {1, 33, 15, 128}, {1, 34, 10, 129}, {2, 40, 19, 256}, {1, 20, 600, 16}, {1, 12, 200, 256},
}

func selectiveScanComplexBackwardCases() []Case {
	var list []Case
	for _, size := range backwardSizes {
		spec := complexModel(size[0], size[1], size[2], size[3])
		list = append(list, spec.backward("batch %d, %d tokens, %d channels, d_state %d", size[0], size[1], size[2], size[3]))
	}
	for number := range 16 {
		bit := func(i int) bool { return number>>i&1 != 0 }
		s := complexModel(2, 21, 18, 5)
		p := &s.p
		p.HasZ, p.HasD, p.HasBias, p.Softplus = bit(0), bit(1), bit(2), bit(3)
		// Any three of the six take all their values.
		p.Fresh, p.SharedA = bit(0) != (bit(1) != bit(2)), bit(1) != (bit(2) != bit(3))
		name := s.switched()
		list = append(list, s.backward("%s", name))
	}
	add := func(name string, edit func(s *complexSpec)) {
		s := complexModel(2, 50, 17, 16)
		edit(&s)
		list = append(list, s.backward("%s", name))
	}
	add("C before B, odd offsets", func(s *complexSpec) { s.p.BCStride, s.p.OffB, s.p.OffC = 91, 51, 7 })
	for _, e := range complexEdits {
		add(e.name, e.edit)
	}
	return list
}

// backward is the gradients of the spec's scan, for dy of order 1. A gradient comes of
// the states and of their gradients, which have the scan's errors each, and is summed
// over tokens or channels: twice the scan's tolerance.
func (spec complexSpec) backward(format string, a ...any) Case {
	c := spec.named(format, a...)
	c.Tol.Rel *= 2
	c.Tol.Abs *= 2
	c.fill = func(s *source) []Arg {
		p := spec.p
		args := spec.fill(s)[:7]
		tokens := p.Batch * p.Length
		args[1].Out, args[6].Out = true, false
		dbc := repeat(tokens*p.BCStride, Untouched)
		place(dbc, poison(tokens*2*p.States), 2*p.States, p.BCStride, p.OffB)
		place(dbc, poison(tokens*2*p.States), 2*p.States, p.BCStride, p.OffC)
		dz := place(repeat(tokens*p.ZStride, Untouched), poison(tokens*p.Channels), p.Channels, p.ZStride, p.OffZ)
		if !p.HasZ {
			dz = nil
		}
		return append(args,
			out("dy", s.normal(tokens*p.Channels)),
			out("dbc", dbc),
			Arg{Name: "dz", F32: dz, Out: p.HasZ},
			out("dweights", s.normal(p.WeightCount())),
			out("dstate", poison(2*p.Batch*p.Channels*p.States)),
		)
	}
	return c
}

func modulatedScanBackwardCases() []Case {
	var list []Case
	for _, size := range backwardSizes {
		spec := layerScan(size[0], size[1], size[2], size[3])
		list = append(list, spec.backward("batch %d, %d tokens, %d channels, d_state %d", size[0], size[1], size[2], size[3]))
	}
	eachVaried(2, 50, func(name string, s modulatedSpec) { list = append(list, s.backward("%s", name)) })
	return list
}

// backward is the gradients of the spec's scan, for dy of order 1, with the tolerance of
// complexSpec.backward.
func (spec modulatedSpec) backward(format string, a ...any) Case {
	c := spec.named(format, a...)
	c.Tol.Rel *= 2
	c.Tol.Abs *= 2
	c.fill = func(s *source) []Arg {
		p := spec.p
		args := spec.fill(s)[:6]
		tokens := p.Batch * p.Length
		args[5].Out = false
		ds := repeat(tokens*p.Stride, Untouched)
		place(ds, poison(tokens*p.Channels), p.Channels, p.Stride, p.OffB)
		place(ds, poison(tokens*p.Channels), p.Channels, p.Stride, p.OffC)
		return append(args,
			out("dy", s.normal(tokens*p.Channels)),
			out("dcells", poison(4*tokens*p.States)),
			out("ds", ds),
			out("dweights", s.normal(p.WeightCount())),
			out("dstate", poison(2*p.Batch*p.Channels*p.States)),
		)
	}
	return c
}

func discretizeBackwardCases() []Case {
	var list []Case
	for _, states := range []int{1, 3, 15, 16, 17, 100, 256} {
		for _, rows := range []int{1, 7, 65} {
			list = append(list, layerHold(rows, states).backward("d_state %d, %d rows", states, rows))
		}
	}
	for _, rows := range []int{16, 17, 63, 64, 128, 129, 1000} {
		list = append(list, layerHold(rows, 16).backward("d_state 16, %d rows", rows))
	}
	for number := range 8 {
		s := layerHold(20, 16)
		s.p.Softplus, s.p.Modulated, s.p.Log = number&1 != 0, number&2 != 0, number&4 != 0
		if !s.p.Softplus {
			s.delta = span{1e-3, 0.1}
		}
		list = append(list, s.backward("%s", switches(on(s.p.Softplus, "softplus"), on(s.p.Modulated, "modulated"), on(s.p.Log, "log"))))
	}
	odd := layerHold(6, 5)
	odd.p.Stride, odd.p.OffDelta, odd.p.OffMod = 19, 17, 7
	list = append(list, odd.backward("odd offsets"))
	one := span{1, 1}
	for _, s := range []struct {
		name          string
		delta, re, im span
	}{
		{"delta 1e-4", span{1e-4, 1e-4}, span{-1, -0.1}, span{0.1, 100}},
		{"delta 100", span{100, 100}, span{-1, -0.01}, span{0.1, 100}},
		{"delta 0", span{0, 0}, span{-1, -0.1}, span{-100, 100}},
		{"Re A = -16", span{1e-3, 10}, span{-16, -16}, span{-100, 100}},
		{"z about 1e-6", one, span{-1e-6, 0}, span{1e-6, 1e-6}},
		{"z about 1e-2", one, span{-1e-2, 1e-2}, span{-1e-2, 1e-2}},
		{"z about 1/8", one, span{-0.2, 0.1}, span{-0.15, 0.15}},
		{"z about 1", one, span{-1.5, 1}, span{-1, 1}},
		{"A about 0", span{0.01, 1}, span{0, 0}, span{1e-30, 1e-20}},
		{"A imaginary", span{0.01, 1}, span{0, 0}, span{1, 100}},
	} {
		list = append(list, plainHold(s.delta, s.re, s.im).backward("%s", s.name))
	}
	return list
}

// backward is the gradients of the spec's hold, for gradients of the cells of order 1.
// They are products with the cells, with the hold's errors and two more roundings, and
// sums of up to 1000 of them of both signs. The derivative of phi loses a unit in the
// last place at |z| = 1.
func (spec holdSpec) backward(format string, a ...any) Case {
	c := spec.named(format, a...)
	c.Tol.Rel = 2*c.Tol.Rel + 1e-6
	c.Tol.Abs = 1e-6 // of da, which is added
	c.fill = func(s *source) []Arg {
		p := spec.p
		args := spec.fill(s)[:2]
		ds := place(repeat(p.Rows*p.Stride, Untouched), poison(p.Rows), 1, p.Stride, p.OffDelta)
		if p.Modulated {
			place(ds, poison(p.Rows*p.States), p.States, p.Stride, p.OffMod)
		}
		return append(args, in("dcells", s.normal(4*p.Rows*p.States)), out("ds", ds), out("da", s.normal(2*p.States)))
	}
	return c
}

func gatherStatesCases() []Case {
	var list []Case
	for _, p := range []shaders.GatherStatesParams{{Batch: 1, Width: 1}, {Batch: 3, Width: 255}, {Batch: 2, Width: 256}, {Batch: 5, Width: 1000}} {
		list = append(list, Case{Name: fmt.Sprintf("%d states of %d", p.Batch, p.Width), Params: p, fill: func(s *source) []Arg {
			slots, count := s.slots(p.Batch)
			state := s.state(slots, count, p.Width, false)
			state.Out = false
			return []Arg{ints("slots", slots), state, out("out", poison(p.Batch*p.Width))}
		}})
	}
	return list
}

func partColumnsCases() []Case {
	var list []Case
	add := func(p shaders.PartColumnsParams) {
		list = append(list, partColumnsCase(fmt.Sprintf("%d parts of %d rows of %d", p.Parts, p.Rows, p.Width), p))
	}
	for _, parts := range []int{1, 2, 33} {
		add(shaders.PartColumnsParams{Parts: parts, Rows: 7, Width: 40, PartStride: 40, Stride: 40})
		add(shaders.PartColumnsParams{Parts: parts, Rows: 16, Width: 16, PartStride: 67, OffParts: 5, Stride: 31, OffOut: 9})
	}
	add(shaders.PartColumnsParams{Parts: 3, Rows: 1, Width: 1, PartStride: 1, Stride: 1})
	return list
}

// partColumnsCase has parts of order 1, up to 33 of them, whose sum is off by a few units
// in its last place.
func partColumnsCase(name string, p shaders.PartColumnsParams) Case {
	return Case{Name: name, Params: p, Tol: Tolerance{Rel: 1e-6}, fill: func(s *source) []Arg {
		rows := p.Parts * p.Rows
		parts := append(poison(p.OffParts), strided(s.normal(rows*p.Width), p.Width, p.PartStride, 0)...)
		into := place(repeat(p.Rows*p.Stride, Untouched), poison(p.Rows*p.Width), p.Width, p.Stride, p.OffOut)
		return []Arg{in("parts", parts), out("out", into)}
	}}
}
