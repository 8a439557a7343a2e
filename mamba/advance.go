package mamba

import (
	"context"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

// advance takes sequences on, chunk by chunk. A chunk has some tokens of each
// of its sequences, laid end to end.
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
	choice   choice                // of lastChoice
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

// chunk advances rows by what there is room for.
func (a *advance) chunk(rows []int) error {
	left := 0
	for _, i := range rows {
		left += len(a.ids[i])
	}
	room, err := a.model.backend.reserveTokens(min(left, max(a.model.chunk, len(rows))))
	if err != nil {
		return err
	}
	rows = rows[:min(len(rows), room)]
	lengths := a.share(rows, room)
	b, ids, slots := a.lay(rows, lengths)
	r, err := a.model.backend.run(b, ids, slots)
	if err != nil {
		return err
	}
	for k, i := range rows {
		a.take(r, lengths[k], k, i)
	}
	return nil
}

// share divides room among sequences: evenly, and what the short ones leave
// among those after them.
func (a *advance) share(rows []int, room int) []int {
	lengths := make([]int, len(rows))
	for k, i := range rows {
		lengths[k] = min(len(a.ids[i]), room/(len(rows)-k))
		room -= lengths[k]
	}
	return lengths
}

// lay makes the batch of some tokens of each row and its inputs: sequences of
// one length as they are, others packed.
func (a *advance) lay(rows, lengths []int) (b batch, ids, slots []uint32) {
	b = batch{rows: len(rows), length: slices.Max(lengths)}
	for k, i := range rows {
		slot := uint32(a.states[i].slot)
		if slices.Min(lengths) < b.length {
			slots = append(slots, slot, uint32(len(ids)), uint32(lengths[k]))
		} else {
			slots = append(slots, slot)
		}
		ids = append(ids, a.ids[i][:lengths[k]]...)
		if len(a.ids[i]) == lengths[k] {
			b.output, b.choice = a.output, a.choice
		}
	}
	if len(slots) > len(rows) {
		b.packing = shaders.Packing{Packed: true, Rows: len(ids)}
	}
	return b, ids, slots
}

// take moves sequence i, row k of a chunk, on by n tokens and keeps what the
// chunk gave if they were its last.
func (a *advance) take(r result, n, k, i int) {
	a.ids[i] = a.ids[i][n:]
	a.states[i].tokens += n
	a.done += n
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
