package mamba

import (
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
)

// goDecoder computes a token when it is waited for: what is ahead of the caller
// would only be in its way.
type goDecoder struct {
	g                 *goBackend
	b                 batch
	ids, slots        []uint32
	draws, seen       []uint32
	chosen            []uint32
	submitted, waited int // tokens
}

func (g *goBackend) newDecoder() decoder { return &goDecoder{g: g} }

func (d *goDecoder) eager() bool { return false }
func (d *goDecoder) held() bool  { return true }

func (d *goDecoder) begin(c choice, rows []decodeRow) (int, error) {
	n, err := d.g.reserveTokens(len(rows))
	d.b = batch{rows: n, length: 1, output: lastChoice, choice: c}
	d.ids, d.slots, d.draws, d.seen = layRows(rows[:n], c)
	d.chosen = make([]uint32, ring*n)
	return n, err
}

func (d *goDecoder) submit(n int) error {
	d.submitted += n
	return nil
}

func (d *goDecoder) wait() ([]uint32, error) {
	var out []uint32
	for ; d.waited < d.submitted; d.waited++ {
		a := &d.g.net.act
		a.draws.u32, a.seen.u32, a.chosen.u32 = d.draws, d.seen, d.chosen
		if _, err := d.g.forward(hostStages{}, d.b, d.ids, d.slots); err != nil {
			return nil, err
		}
		out = append(out, d.ids...)
	}
	return out, nil
}

// keep and restore are never called: nothing runs ahead.
func (d *goDecoder) keep(_, _ int) error    { return nil }
func (d *goDecoder) restore(_, _ int) error { return nil }

func (d *goDecoder) close() {}

func (hostStages) peaks(p shaders.ChoiceParams, x, draws, seen, best hostArray) {
	cpu.Peaks(p, x.f32, draws.u32, seen.u32, best.f32)
}

func (hostStages) gumbel(p shaders.ChoiceParams, x, best, draws, seen, scores hostArray) {
	cpu.Gumbel(p, x.f32, best.f32, draws.u32, seen.u32, scores.f32)
}

func (hostStages) choose(p shaders.ChoiceParams, best, seen, draws, chosen, ids hostArray) {
	cpu.Choose(p, best.f32, seen.u32, draws.u32, chosen.u32, ids.u32)
}

// histogram does nothing: the twin of cut sorts.
func (hostStages) histogram(shaders.ChoiceParams, hostArray, hostArray, hostArray, hostArray, hostArray) {
}

func (hostStages) cut(p shaders.ChoiceParams, x, best, seen, draws, bins, list hostArray) {
	cpu.Cut(p, x.f32, best.f32, seen.u32, draws.u32, bins.u32, list.u32)
}
