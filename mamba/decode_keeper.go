package mamba

import (
	"errors"
	"time"
)

// keeper brings a state back that has run ahead of the tokens given out: to a copy
// made on the way, from which the tokens since are taken in again, step by step, so
// that the state is what it would be without. Copies are made in turn, each by the
// time that submissionTime's worth of steps has gone by since the one before. At
// most one submission besides the one whose tokens are known is under way, so that
// one of the two copies is always of known tokens.
type keeper struct {
	state  *State
	ahead  int    // tokens that the device's state has
	copied [2]int // tokens that each copy has, or -1
	newest int    // of the copies
	since  []int  // tokens taken in since the older copy
	from   int    // number of those before them
}

var errNoCopy = errors.New("a step failed, and there is no copy from before")

func newKeeper(s *State) *keeper {
	return &keeper{state: s, ahead: s.tokens, copied: [2]int{-1, -1}, newest: 1, from: s.tokens}
}

// copy has a copy made, if it is time for one, before more steps, of such a time
// each, are submitted.
func (k *keeper) copy(dec decoder, step time.Duration) error {
	last := k.copied[k.newest]
	if last >= 0 && time.Duration(k.ahead-last)*step < submissionTime {
		return nil
	}
	next := 1 - k.newest
	if err := dec.keep(k.state.slot, next); err != nil {
		return err
	}
	k.copied[next], k.newest = k.ahead, next
	if older := k.copied[1-next]; older > k.from {
		k.since, k.from = append([]int(nil), k.since[older-k.from:]...), older
	}
	return nil
}

// took notes a token that is known to have gone in.
func (k *keeper) took(id int) { k.since = append(k.since, id) }

// settle takes the state back to the tokens that are known to have gone in.
func (k *keeper) settle(m *Model, dec decoder) error {
	if k.ahead == k.state.tokens || k.state.closed {
		return nil
	}
	use := k.newest
	if k.copied[use] > k.state.tokens {
		use = 1 - use
	}
	if k.copied[use] < 0 {
		return errNoCopy // without copies nothing runs ahead but a step that failed
	}
	if err := dec.restore(k.state.slot, use); err != nil {
		return err
	}
	b, slots := batch{rows: 1, length: 1, output: onlyState}, []uint32{uint32(k.state.slot)}
	if _, err := m.backend.reserveTokens(1); err != nil {
		return err
	}
	for _, id := range k.since[k.copied[use]-k.from:] {
		if _, err := m.backend.run(b, []uint32{uint32(id)}, slots); err != nil {
			return err
		}
	}
	return nil
}
