package mamba

import (
	"context"
	"slices"
	"time"
)

// decoding generates the tokens of lines whose prompts have gone in but for the
// last token. Two submissions are under way at a time: while the host looks at the
// tokens of one, the device works on the next.
type decoding struct {
	*generation
	dec     decoder
	lines   []*line // that have not ended; the device's rows first
	rows    []*line // of the device, ended ones too
	stale   bool    // a row has ended
	flights []int   // steps of the submissions not waited for
	pace    pace
	keeper  *keeper // of the caller's state
	careful bool    // there is no room for the keeper's copies
}

// decode generates until all lines have ended or the caller wants no more.
func (g *generation) decode(ctx context.Context, lines []*line, begun func()) (err error) {
	d := &decoding{generation: g, lines: slices.Clone(lines), dec: g.model.backend.newDecoder()}
	if g.opts.State != nil && d.dec.eager() {
		d.keeper = newKeeper(g.opts.State)
	}
	stopped := false // then nobody is there to be told of an error but by the state
	defer func() {
		if e := d.settle(); err == nil && !stopped {
			err = e
		}
	}()
	for len(d.lines) > 0 {
		steps, ids, err := d.next(ctx)
		if err != nil {
			return err
		}
		if begun != nil {
			begun()
			begun = nil
		}
		more, err := d.give(ctx, steps, ids)
		if err != nil || !more {
			stopped = err == nil
			return err
		}
	}
	return nil
}

// next keeps the device busy and waits for the tokens (steps, rows) of the oldest
// submission.
func (d *decoding) next(ctx context.Context) (steps int, ids []uint32, err error) {
	m := d.model
	m.mu.Lock()
	defer m.mu.Unlock()
	states := make([]*State, len(d.lines))
	for i, l := range d.lines {
		states[i] = l.state
	}
	if err := m.check(ctx, states); err != nil {
		return 0, nil, err
	}
	if len(d.flights) == 0 {
		if err := d.begin(); err != nil {
			return 0, nil, err
		}
	}
	for len(d.flights) < d.ahead() && d.left() > 0 && !d.stale && d.dec.held() {
		if err := d.launch(); err != nil {
			return 0, nil, err
		}
	}
	ids, err = d.dec.wait()
	steps, d.flights = d.flights[0], d.flights[1:]
	d.pace.came(steps, time.Now())
	return steps, ids, err
}

// ahead is the number of submissions to have under way: two, so that the device
// does not wait for the host, unless a step is so long that the wait is nothing
// beside what an early end would waste.
func (d *decoding) ahead() int {
	if d.oneByOne() || d.pace.step > submissionTime {
		return 1
	}
	return 2
}

// begin hands the lines to the device, unless it has them.
func (d *decoding) begin() error {
	if len(d.rows) > 0 && !d.stale && d.dec.held() {
		return nil
	}
	rows := make([]decodeRow, len(d.lines))
	for i, l := range d.lines {
		rows[i] = decodeRow{slot: l.state.slot, token: l.token, draw: d.opts.draw(l.state.tokens + 1)}
		if d.choice.penalty {
			rows[i].seen = l.seen()
		}
	}
	n, err := d.dec.begin(d.choice, rows)
	d.rows, d.stale = d.lines[:n:n], false
	return err
}

// oneByOne reports whether the device is to do nothing but the next token.
func (d *decoding) oneByOne() bool { return d.careful || !d.dec.eager() }

// left is the number of steps that may still be submitted: no row gets more tokens
// than it may.
func (d *decoding) left() int {
	under := 0
	for _, n := range d.flights {
		under += n
	}
	left := d.opts.MaxTokens
	for _, l := range d.rows {
		left = min(left, d.opts.MaxTokens-l.count-under)
	}
	return left
}

// launch submits the next steps.
func (d *decoding) launch() error {
	n := d.pace.next(d.left())
	if d.keeper != nil && !d.careful {
		err := d.keeper.copy(d.dec, d.pace.step)
		if err != nil && !exhausted(err) {
			return err
		}
		d.careful = err != nil
	}
	if d.oneByOne() {
		n = 1
	}
	if d.keeper != nil {
		d.keeper.ahead += n
	}
	if err := d.dec.submit(n); err != nil {
		return err
	}
	d.flights = append(d.flights, n)
	return nil
}

// give gives out the tokens (steps, rows) of a submission. more says whether the
// caller wants any others.
func (d *decoding) give(ctx context.Context, steps int, ids []uint32) (more bool, err error) {
	rows := d.rows
	for k := range steps {
		if err := ctx.Err(); err != nil && k > 0 { // next has looked for the first
			return false, err
		}
		chosen := ids[k*len(rows) : (k+1)*len(rows)]
		if err := d.takeIn(rows, chosen); err != nil {
			return false, err
		}
		for r, l := range rows {
			if l.ended {
				continue
			}
			goesOn, stopped := d.step(l, int(chosen[r]))
			if stopped {
				return false, nil
			}
			l.ended = !goesOn
			d.stale = d.stale || l.ended
		}
		if !slices.ContainsFunc(rows, func(l *line) bool { return !l.ended }) {
			break
		}
	}
	d.lines = slices.DeleteFunc(slices.Clone(d.lines), func(l *line) bool { return l.ended })
	return true, nil
}

// takeIn notes that the rows that go on have taken in their last tokens, and checks
// those that were chosen after them.
func (d *decoding) takeIn(rows []*line, chosen []uint32) error {
	d.model.mu.Lock()
	defer d.model.mu.Unlock()
	var err error
	for r, l := range rows {
		if l.ended {
			continue
		}
		l.state.took([]uint32{uint32(l.token)})
		l.state.tokens++
		if d.keeper != nil {
			d.keeper.took(l.token)
		}
		if int(chosen[r]) >= d.choice.width {
			err = ErrNotFinite
		}
	}
	return err
}

// settle gives the decoder back, and the caller's state as the tokens that were
// given out leave it. If that fails the state is broken.
func (d *decoding) settle() error {
	m := d.model
	m.mu.Lock()
	defer m.mu.Unlock()
	defer d.dec.close()
	if d.keeper == nil || m.closed {
		return nil
	}
	if err := d.keeper.settle(m, d.dec); err != nil {
		d.keeper.state.broken = err
		return &BrokenStateError{err}
	}
	return nil
}
