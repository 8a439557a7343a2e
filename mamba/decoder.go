package mamba

import "github.com/mambagpu/mambagpu/shaders"

// decoder takes sequences on by tokens that it chooses, several at a time, without
// the host between one token and the next. A generation has its own; the model
// serialises the calls. Between them anything else may run on the backend.
type decoder interface {
	// eager reports whether what is submitted runs beside the host, so that it is
	// worth submitting more before the tokens are looked at.
	eager() bool
	// begin hands over sequences and returns how many, the first ones, there was
	// room for. Nothing that was submitted may be unwaited for.
	begin(c choice, rows []decodeRow) (int, error)
	// held reports whether the device still has the rows as the last submit left
	// them. If not, they have to be begun again.
	held() bool
	// submit has every row taken on by n tokens, at most ring.
	submit(n int) error
	// wait returns the tokens (n, rows) chosen by the oldest submit that was not
	// waited for. A token of choice.width says that logits were not finite.
	wait() ([]uint32, error)
	// keep has a copy made, number 0 or 1, of a state as what was submitted so far
	// leaves it; restore puts it back.
	keep(slot, i int) error
	restore(slot, i int) error
	close()
}

// decodeRow is a sequence for a decoder.
type decodeRow struct {
	slot  int
	token int          // the next to take in
	draw  shaders.Draw // of the token after it
	seen  idSet        // tokens of the sequence, for the repetition penalty
}

// layRows lays sequences out as the device has them.
func layRows(rows []decodeRow, c choice) (ids, slots, draws, seen []uint32) {
	for _, r := range rows {
		ids, slots = append(ids, uint32(r.token)), append(slots, uint32(r.slot))
		words := r.draw.Words()
		draws = append(draws, words[:]...)
		if c.penalty {
			seen = append(seen, r.seen.words(c.width)...)
		}
	}
	return ids, slots, draws, seen
}

// words are the first bits of the set, 32 to a word.
func (s idSet) words(bits int) []uint32 {
	out := make([]uint32, (bits+31)/32)
	s.each(func(id int) {
		if id < bits {
			out[id/32] |= 1 << (id % 32)
		}
	})
	return out
}
