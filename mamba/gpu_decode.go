package mamba

import (
	"slices"

	"github.com/mambagpu/mambagpu/wgpu"
)

// gpuDecoder replays the plan of a step: a step leaves the tokens it chose where
// the next one reads them, so that all steps are the same commands and any number
// of them go into one submission. The tokens come back through two readbacks in
// turn.
type gpuDecoder struct {
	g       *gpuBackend
	b       batch
	places  []uint32 // of each row's next token
	flights []gpuFlight
	reads   [2]*wgpu.Readback
	next    int // of reads
	// passes, by the number of steps, are first and then follow, over and over.
	first, follow *plan
	passes        []*wgpu.Pass
	copies        *wgpu.Buffer // (2, state)
}

// gpuFlight is a submission that has not been waited for.
type gpuFlight struct {
	steps    int
	places   []uint32 // of each row's first token
	read     *wgpu.Readback
	together bool // behind the tokens comes the flag of mail
}

func (g *gpuBackend) newDecoder() decoder { return &gpuDecoder{g: g} }

func (d *gpuDecoder) eager() bool { return true }

// held tells whether ids, slots, draws and seen are still those of the decoder:
// whatever else runs on the backend replaces them.
func (d *gpuDecoder) held() bool { return d.g.turn == d }

func (d *gpuDecoder) begin(c choice, rows []decodeRow) (int, error) {
	g := d.g
	n, err := g.reserveTokens(min(len(rows), g.maxRows()))
	if err != nil {
		return 0, err
	}
	d.b = batch{rows: n, length: 1, output: lastChoice, choice: c}
	if err := g.reserveOutputs(d.b); err != nil {
		return 0, err
	}
	if err := d.reserveReads(); err != nil {
		return 0, err
	}
	ids, slots, draws, seen := layRows(rows[:n], c)
	if err := g.upload(ids, slots); err != nil {
		return 0, err
	}
	if err := wgpu.Upload(g.net.act.draws, 0, draws); err != nil {
		return 0, err
	}
	if len(seen) > 0 {
		if err := wgpu.Upload(g.net.act.seen, 0, seen); err != nil {
			return 0, err
		}
	}
	d.places = make([]uint32, n)
	for i := range d.places {
		d.places[i] = rows[i].draw.Place
	}
	g.turn = d
	return n, nil
}

func (d *gpuDecoder) reserveReads() error {
	size := 4 * uint64(ring*d.b.rows+1)
	for i, r := range d.reads {
		if r != nil && r.Size() >= size {
			continue
		}
		next, err := d.g.dev.NewReadback("mamba.chosen", size)
		if err != nil {
			return err
		}
		if r != nil {
			r.Close()
		}
		d.reads[i] = next
	}
	return nil
}

func (d *gpuDecoder) submit(n int) error {
	g := d.g
	first, next, err := d.steps()
	if err != nil {
		return err
	}
	passes := d.repeat(first, next, n)
	last := len(passes) - 1
	for _, pass := range passes[:last] {
		if err := pass.Submit(); err != nil {
			return err
		}
	}
	f := gpuFlight{n, append([]uint32(nil), d.places...), d.reads[d.next], g.runsTogether(d.b)}
	if err := passes[last].SubmitTo(f.read, g.net.act.chosen, 0, 4*uint64(ring*d.b.rows+1)); err != nil {
		return err
	}
	d.flights, d.next = append(d.flights, f), 1-d.next
	for i := range d.places {
		d.places[i] += uint32(n)
	}
	return nil
}

// steps is the plans of the first step of a submission and of those that follow it.
func (d *gpuDecoder) steps() (first, next *plan, err error) {
	g, b := d.g, d.b
	if first, err = g.plans.get(b, func() (*plan, error) { return g.record(b, nil) }); err != nil || !g.net.embedsChoice(b) {
		return first, first, err
	}
	b.embedded = true
	next, err = g.plans.get(b, func() (*plan, error) { return g.record(b, nil) })
	return first, next, err
}

// repeat is the passes of n steps: one, unless a step alone is much work.
func (d *gpuDecoder) repeat(first, next *plan, n int) []*wgpu.Pass {
	steps := slices.Clone(first.steps)
	for range n - 1 {
		steps = append(steps, next.steps...)
	}
	if len(steps) > n {
		var all []*wgpu.Pass
		for _, s := range steps {
			all = append(all, s.pass)
		}
		if d.g.runsTogether(d.b) {
			all = append(all, d.g.flagPass(ring*d.b.rows))
		}
		return all
	}
	if d.first != first || d.follow != next {
		d.first, d.follow, d.passes = first, next, make([]*wgpu.Pass, ring+1)
	}
	if d.passes[n] == nil {
		d.passes[n] = d.g.dev.NewPass("mamba.decode")
		for _, s := range steps {
			d.passes[n].Include(s.pass)
		}
		if d.g.runsTogether(d.b) {
			d.passes[n].Include(d.g.flagPass(ring * d.b.rows))
		}
	}
	return d.passes[n : n+1]
}

func (d *gpuDecoder) wait() ([]uint32, error) {
	f := d.flights[0]
	d.flights = d.flights[1:]
	rows := len(f.places)
	words := make([]uint32, ring*rows+1)
	if err := wgpu.Fetch(f.read, words); err != nil {
		return nil, err
	}
	if f.together {
		if err := d.g.stalled(words[ring*rows]); err != nil {
			return nil, err
		}
	}
	out := make([]uint32, 0, f.steps*rows)
	for k := range f.steps {
		for r, place := range f.places {
			out = append(out, words[int(place+uint32(k))%ring*rows+r])
		}
	}
	return out, nil
}

func (d *gpuDecoder) keep(slot, i int) error {
	if d.copies == nil {
		b, err := d.g.dev.NewBuffer("copies", 2*uint64(StateSize(d.g.net.config)))
		if err != nil {
			return err
		}
		d.copies = b
	}
	return d.copy(slot, i, func(p *wgpu.Pass, state *wgpu.Buffer, at, copyAt, size uint64) {
		p.Copy(d.copies, copyAt, state, at, size)
	})
}

func (d *gpuDecoder) restore(slot, i int) error {
	return d.copy(slot, i, func(p *wgpu.Pass, state *wgpu.Buffer, at, copyAt, size uint64) {
		p.Copy(state, at, d.copies, copyAt, size)
	})
}

// copy calls f with each part of slot's state and its place in copy i.
func (d *gpuDecoder) copy(slot, i int, f func(p *wgpu.Pass, state *wgpu.Buffer, at, copyAt, size uint64)) error {
	pass := d.g.dev.NewPass("mamba.keep")
	at := uint64(i * StateSize(d.g.net.config))
	d.g.states(func(b *wgpu.Buffer, size uint64) {
		f(pass, b, uint64(slot)*size, at, size)
		at += size
	})
	return pass.Submit()
}

func (d *gpuDecoder) close() {
	if d.g.turn == d {
		d.g.turn = nil
	}
	for _, r := range d.reads {
		if r != nil {
			r.Close()
		}
	}
	closeAll([]*wgpu.Buffer{d.copies})
}
