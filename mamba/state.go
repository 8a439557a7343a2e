package mamba

import (
	"math/bits"
	"slices"
)

// State is all that a sequence leaves behind: for every layer d_inner x
// d_state numbers of the recurrence and d_inner x (d_conv-1) inputs of the
// convolution. It is of the same size whatever the sequence's length. A State
// belongs to one call at a time.
//
// The sequence may have one token more, which is pending: [Model.Generate]
// leaves the token that it chose last so, and [Model.Prepare] a prompt's last.
// Whatever takes the state on takes the pending token in first.
type State struct {
	model   *Model
	slot    int
	tokens  int
	pending int   // or NoToken
	seen    idSet // tokens of the sequence, the pending one excepted
	closed  bool
	broken  error // why it is not that of the tokens
}

// NewState returns the state of an empty sequence. Close it when done.
// Errors: [ErrClosed], those of package wgpu for want of memory.
func (m *Model) NewState() (*State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.newState()
	if err != nil {
		return nil, err
	}
	if err := m.backend.clearState(s.slot); err != nil {
		m.used[s.slot] = false
		return nil, err
	}
	return s, nil
}

// newState takes a free slot, whatever it holds. The caller holds the lock.
func (m *Model) newState() (*State, error) {
	if m.closed {
		return nil, ErrClosed
	}
	slot := 0
	for slot < len(m.used) && m.used[slot] {
		slot++
	}
	if slot == len(m.used) {
		if err := m.backend.reserveSlots(slot + 1); err != nil {
			return nil, err
		}
		m.used = append(m.used, false)
	}
	m.used[slot] = true
	return &State{model: m, slot: slot, pending: NoToken}, nil
}

// Clone returns another state of the same sequence.
func (s *State) Clone() (*State, error) {
	m := s.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := s.usable(); err != nil {
		return nil, err
	}
	c, err := m.newState()
	if err != nil {
		return nil, err
	}
	if err := m.backend.copyState(c.slot, s.slot); err != nil {
		m.used[c.slot] = false
		return nil, err
	}
	c.tokens, c.pending, c.seen = s.tokens, s.pending, slices.Clone(s.seen)
	return c, nil
}

// usable returns an error if the state is closed or broken. The caller holds the lock.
func (s *State) usable() error {
	switch {
	case s.closed:
		return ErrClosed
	case s.broken != nil:
		return &BrokenStateError{s.broken}
	}
	return nil
}

// Reset makes it the state of an empty sequence again, whatever it was.
func (s *State) Reset() error {
	m := s.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.closed || m.closed {
		return ErrClosed
	}
	s.tokens, s.pending, s.seen = 0, NoToken, nil
	s.broken = m.backend.clearState(s.slot)
	return s.broken
}

// Tokens is the number of tokens that the state has taken in.
func (s *State) Tokens() int {
	s.model.mu.Lock()
	defer s.model.mu.Unlock()
	return s.tokens
}

// Pending is the sequence's last token if it has not been taken in yet, or
// [NoToken].
func (s *State) Pending() int {
	s.model.mu.Lock()
	defer s.model.mu.Unlock()
	return s.pending
}

// withPending is the pending token, if there is one, and ids.
func (s *State) withPending(ids []int) []int {
	if s == nil || s.pending == NoToken {
		return ids
	}
	return append([]int{s.pending}, ids...)
}

// hold makes a token that was chosen the sequence's pending one.
func (s *State) hold(id int) {
	s.model.mu.Lock()
	defer s.model.mu.Unlock()
	s.pending = id
}

// took notes ids that have gone into the state, the pending token first. The
// caller holds the lock.
func (s *State) took(ids []uint32) {
	if len(ids) == 0 {
		return
	}
	s.pending = NoToken
	if s.seen == nil {
		s.seen = newIDSet(s.model.config.VocabSize)
	}
	for _, id := range ids {
		s.seen.add(int(id))
	}
}

// idSet is a set of token ids, a bit each.
type idSet []byte

func newIDSet(vocab int) idSet { return make(idSet, (vocab+7)/8) }

func (s idSet) add(id int) { s[id/8] |= 1 << (id % 8) }

// each calls f with the ids of the set in order.
func (s idSet) each(f func(id int)) {
	for i, b := range s {
		for ; b != 0; b &= b - 1 {
			f(8*i + bits.TrailingZeros8(b))
		}
	}
}

// Size is the number of bytes of a state.
func (s *State) Size() int { return StateSize(s.model.config) }

// StateSize is the number of bytes of a state of such a model.
func StateSize(c ModelConfig) int {
	return 4 * c.NLayer * c.DInner * (c.DState + c.DConv - 1)
}

// Close gives the state back. Further calls do nothing.
func (s *State) Close() error {
	m := s.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if !s.closed {
		s.closed = true
		m.used[s.slot] = false
	}
	return nil
}
