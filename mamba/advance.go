package mamba

import "context"

// advance takes sequences on, chunk by chunk. A chunk has the same number of
// tokens of each of its sequences; a shorter sequence leaves when it is done.
type advance struct {
	model  *Model
	states []*State
	ids    [][]uint32 // what is left of each sequence
	output output
	out    *outcome
	advanceOptions

	done int // tokens
}

type advanceOptions struct {
	choices  int                   // of lastBest
	progress func(done, total int) // tokens of all sequences
}

func (a *advance) run(ctx context.Context) error {
	total := 0
	for _, row := range a.ids {
		total += len(row)
	}
	for {
		rows := a.left()
		if len(rows) == 0 {
			return nil
		}
		if err := a.chunk(rows); err != nil {
			return err
		}
		if a.progress != nil {
			a.progress(a.done, total)
		}
		if err := ctx.Err(); err != nil && len(a.left()) > 0 {
			return err
		}
	}
}

// left lists the sequences that have tokens left, as many as go into one
// chunk.
func (a *advance) left() []int {
	var rows []int
	most := min(a.model.chunk, a.model.backend.maxRows())
	for i := range a.ids {
		if len(a.ids[i]) > 0 && len(rows) < max(most, 1) {
			rows = append(rows, i)
		}
	}
	return rows
}

// chunk advances rows by the same number of tokens: as many as a chunk holds
// and the shortest of them has.
func (a *advance) chunk(rows []int) error {
	length := max(a.model.chunk/len(rows), 1)
	for _, i := range rows {
		length = min(length, len(a.ids[i]))
	}
	room, err := a.model.backend.reserveTokens(length * len(rows))
	if err != nil {
		return err
	}
	if room < len(rows) {
		rows = rows[:room]
	}
	length = min(length, max(room/len(rows), 1))
	b := batch{rows: len(rows), length: length, choices: a.choices}
	ids := make([]uint32, 0, b.tokens())
	slots := make([]uint32, 0, len(rows))
	for _, i := range rows {
		ids = append(ids, a.ids[i][:length]...)
		slots = append(slots, uint32(a.states[i].slot))
		if len(a.ids[i]) == length {
			b.output = a.output
		}
	}
	if b.output != lastBest {
		b.choices = 0
	}
	r, err := a.model.backend.run(b, ids, slots)
	if err != nil {
		return err
	}
	for k, i := range rows {
		a.take(r, b, k, i)
	}
	return nil
}

// take moves sequence i, row k of a chunk, on and keeps what the chunk gave if
// it was its last.
func (a *advance) take(r result, b batch, k, i int) {
	a.ids[i] = a.ids[i][b.length:]
	a.states[i].tokens += b.length
	a.done += b.length
	if len(a.ids[i]) > 0 {
		return
	}
	if r.logits != nil {
		v := a.model.config.VocabSize
		a.out.logits[i] = r.logits[k*v : (k+1)*v : (k+1)*v]
	}
	if r.best != nil {
		a.out.best[i] = int(r.best[k])
	}
}
