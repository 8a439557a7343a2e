package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// scanGroupedCases are those of selective_scan, of which selective_scan_grouped is a
// form: each number of states in one case, and what else changes its code.
func scanGroupedCases() []Case {
	list := scanStageCases()
	for _, states := range []int{4, 5, 8, 17, 32, 33, 64, 128, 200} {
		list = append(list, modelScan(2, 37, 33, states).named("d_state %d, 37 tokens", states))
	}
	list = append(list, scanGeneral(2, 21)...)
	eachHalvesScan(func(name string, spec scanSpec) { list = append(list, spec.named("%s", name)) })
	return append(list, scanPacked()...)
}

// scanSummaryCases are chunks around the edges of tiles, the least room there can be,
// and what changes the code.
func scanSummaryCases() []Case {
	var list []Case
	add := func(name string, chunk int, spec scanSpec) {
		list = append(list, spec.summary(chunk).named("%s", name))
	}
	for _, chunk := range []int{34, 39, 40, 41, 48, 50} {
		add(fmt.Sprintf("100 tokens, chunks of %d", chunk), chunk, modelScan(1, 100, 17, 16))
	}
	for _, states := range []int{1, 3, 8, 17, 64, 100} {
		add(fmt.Sprintf("d_state %d, two chunks with no room left", states), states+1, modelScan(2, 2*states+3, 33, states))
		add(fmt.Sprintf("d_state %d, four chunks", states), 3*states+3, modelScan(1, 13*states+13, 5, states))
	}
	for bits := range 16 {
		spec := modelScan(2, 40, 18, 5)
		p := &spec.p
		p.HasD, p.HasBias, p.Softplus, p.SharedA = bits&1 != 0, bits&2 != 0, bits&4 != 0, bits&8 != 0
		p.Fresh = p.HasD != p.HasBias
		spec.bias = span{0, 0.01}
		if p.Softplus {
			spec.delta, spec.bias = span{-4, 1}, span{-1, 1}
		}
		add(switches(on(p.HasD, "D"), on(p.HasBias, "bias"), on(p.Softplus, "softplus"), on(p.SharedA, "shared A"),
			on(p.Fresh, "fresh")), 18, spec)
	}
	for _, lengths := range [][]int{{40, 1, 100}, {7, 34, 33, 100, 2, 70}} {
		packed := modelScan(len(lengths), 1, 17, 16)
		packed.p.Packing, packed.p.Length = packing(lengths)
		packed.lengths = lengths
		add(fmt.Sprintf("packed %v, chunks of 34", lengths), 34, packed)
	}
	return list
}

// summarySpec is what a case of the summaries of a scan's chunks is made from.
type summarySpec struct {
	scan  scanSpec
	chunk int
}

func (spec scanSpec) summary(chunk int) summarySpec { return summarySpec{spec, chunk} }

// named is the case with that name.
func (spec summarySpec) named(format string, a ...any) Case {
	c := spec.scan.named(format, a...)
	c.Params = shaders.ScanSummaryParams{SelectiveScanParams: spec.scan.p, Chunk: spec.chunk}
	c.fill = spec.fill
	return c
}

// fill makes the buffers: those of the scan but for z. The state is only read, and rows
// of y without a summary stay as they are.
func (spec summarySpec) fill(s *source) []Arg {
	a := spec.scan.fill(s)
	slots, state, y := a[5], a[6], a[7]
	state.Out = false
	p := shaders.ScanSummaryParams{SelectiveScanParams: spec.scan.p, Chunk: spec.chunk}
	copy(y.F32, repeat(len(y.F32), Untouched))
	expect := func(row, rows int) { copy(y.F32[row*p.Channels:], poison(rows*p.Channels)) }
	for b := range p.Batch {
		_, first, rows := p.Sequence(slots.U32, b, p.Length)
		chunks := p.Chunks(rows)
		if chunks > 1 {
			expect(first, p.States)
		}
		for later := 1; later < chunks; later++ {
			expect(first+p.Place(later, 0), later*(p.States+1))
		}
	}
	return []Arg{a[0], a[1], a[2], a[4], slots, state, y}
}
