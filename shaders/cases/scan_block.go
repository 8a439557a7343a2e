package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// scanEndsCases are chunks around the edges of tiles, blocks of states, and what changes
// the code.
func scanEndsCases() []Case {
	var list []Case
	add := func(name string, first, chunk int, spec scanSpec) {
		list = append(list, spec.block(first, chunk).named("%s", name))
	}
	for _, length := range []int{1, 7, 8, 9, 31, 32, 33, 100} {
		add(fmt.Sprintf("%d tokens, chunks of 32", length), 0, 32, modelScan(2, length, 17, 16))
	}
	for _, states := range []int{1, 3, 8, 17, 64, 100, 256} {
		for first := 0; first < states; first += 48 {
			add(fmt.Sprintf("d_state %d, from %d on", states, first), first, 8, modelScan(1, 20, 65, states))
		}
	}
	for bits := range 32 {
		spec := modelScan(2, 20, 18, 3)
		p := &spec.p
		p.HasZ, p.HasD, p.HasBias = bits&1 != 0, bits&2 != 0, bits&4 != 0
		p.Softplus, p.SharedA = bits&8 != 0, bits&16 != 0
		spec.bias = span{0, 0.01}
		if p.Softplus {
			spec.delta, spec.bias = span{-4, 1}, span{-1, 1}
		}
		if !p.HasZ {
			p.ZStride, p.OffZ = 0, 0
		}
		add(switches(on(p.HasZ, "z"), on(p.HasD, "D"), on(p.HasBias, "bias"), on(p.Softplus, "softplus"),
			on(p.SharedA, "shared A")), 0, 8, spec)
	}
	eachExtreme(50, func(name string, spec scanSpec) { add(name, 0, 16, spec) })
	eachHalvesScan(func(name string, spec scanSpec) { add(name, 0, 16, spec) })
	return list
}

// scanJoinCases are one chunk and more than are loaded at a time, blocks of states, and
// what changes the code.
func scanJoinCases() []Case {
	var list []Case
	add := func(name string, first int, wanted bool, spec scanSpec) {
		list = append(list, spec.block(first, 8).join(wanted, name))
	}
	for chunks := 1; chunks <= 9; chunks++ {
		add(fmt.Sprintf("%d chunks", chunks), 0, chunks%2 == 0, modelScan(2, 8*chunks, 17, 16))
	}
	for _, states := range []int{1, 3, 17, 100, 256} {
		for first := 0; first < states; first += 48 {
			add(fmt.Sprintf("d_state %d, from %d on", states, first), first, true, modelScan(2, 21, 65, states))
		}
	}
	for bits := range 16 {
		spec := modelScan(2, 20, 18, 5)
		p, wanted := &spec.p, bits&1 != 0
		p.Fresh, p.SharedA, p.HasD = bits&2 != 0, bits&4 != 0, bits&8 != 0
		add(switches(on(wanted, "wanted"), on(p.Fresh, "fresh"), on(p.SharedA, "shared A"), on(p.HasD, "D")), 0, wanted, spec)
	}
	return list
}

// scanRowsCases are numbers of groups of channels around what is loaded at a time, and
// blocks of states.
func scanRowsCases() []Case {
	var list []Case
	for _, channels := range []int{1, 64, 65, 130, 250, 260, 600} {
		list = append(list, modelScan(2, 9, channels, 16).block(0, 8).rows(fmt.Sprintf("%d channels", channels)))
	}
	for _, states := range []int{1, 3, 17, 40} {
		for first := 0; first < states; first += 16 {
			spec := modelScan(1, 300, 70, states)
			list = append(list, spec.block(first, 64).rows(fmt.Sprintf("d_state %d, from %d on", states, first)))
		}
	}
	return list
}

// blockSpec is what a case of a stage of a scan's backward pass is made from.
type blockSpec struct {
	scan scanSpec
	p    shaders.ScanBlockParams
}

func (spec scanSpec) block(first, chunk int) blockSpec {
	return blockSpec{spec, shaders.ScanBlockParams{SelectiveScanParams: spec.p, First: first, Chunk: chunk}}
}

// named is a case of scan_ends.
func (spec blockSpec) named(format string, a ...any) Case {
	c := spec.scan.named(format, a...)
	c.Params, c.Tol, c.fill = spec.p, spec.scan.exact(), spec.ends
	return c
}

// ends makes the buffers: those of the scan that are read, dy and scratch.
func (spec blockSpec) ends(s *source) []Arg {
	a := spec.scan.fill(s)
	scratch := repeat(spec.p.RowsAt(), Untouched)
	spec.eachHeld(func(i int) { scratch[i] = poison(1)[0] })
	copy(scratch[spec.p.SumsAt():], poison(spec.p.RowsAt()-spec.p.SumsAt()))
	return append(a[:5], in("dy", s.normal(len(a[0].F32))), out("scratch", scratch))
}

// eachHeld calls f for each place in scratch of the block's states and gradients.
func (spec blockSpec) eachHeld(f func(i int)) {
	p := spec.p
	for chunk := range p.Chunks() * p.Batch {
		for i := range p.Here() * p.Channels {
			f(p.StatesAt() + chunk*p.Block()*p.Channels + i)
			f(p.GradsAt() + chunk*p.Block()*p.Channels + i)
		}
	}
}

// join is a case of scan_join. What comes in is of order 1, as are the sums that its
// decays lie in the exponents of.
func (spec blockSpec) join(wanted bool, name string) Case {
	return Case{Name: name, Params: spec.p, Tol: Tolerance{Rel: 5e-6}, fill: func(s *source) []Arg {
		a, p := spec.scan.fill(s), spec.p
		scratch := repeat(p.RowsAt(), Untouched)
		spec.eachHeld(func(i int) { scratch[i] = s.normal(1)[0] })
		copy(scratch[p.SumsAt():], s.logUniform(p.RowsAt()-p.SumsAt(), 1e-3, 1))
		var dstate []float32
		if wanted {
			dstate = repeat(p.Batch*p.Channels*p.States, Untouched)
			for i := range p.Batch * p.Channels {
				copy(dstate[i*p.States+p.First:], poison(p.Here()))
			}
		}
		a[6].Out = false
		return []Arg{a[4], a[5], a[6], out("scratch", scratch), out("dstate", dstate)}
	}}
}

// rows is a case of scan_rows: sums of up to ten numbers of order 1.
func (spec blockSpec) rows(name string) Case {
	return Case{Name: name, Params: spec.p, Tol: Tolerance{Rel: 1e-6}, fill: func(s *source) []Arg {
		p := spec.p
		scratch := poison(p.RowsAt())
		rows := p.Batch * p.Length
		scratch = append(scratch, s.normal(p.Groups()*rows*2*p.Block())...)
		dbc := repeat(rows*p.BCStride, Untouched)
		place(dbc, poison(rows*p.Here()), p.Here(), p.BCStride, p.OffB+p.First)
		place(dbc, poison(rows*p.Here()), p.Here(), p.BCStride, p.OffC+p.First)
		return []Arg{in("scratch", scratch), out("dbc", dbc)}
	}}
}
