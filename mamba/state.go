package mamba

// State is all that a sequence leaves behind: for every layer d_inner x
// d_state numbers of the recurrence and d_inner x (d_conv-1) inputs of the
// convolution. It is of the same size whatever the sequence's length. A State
// belongs to one call at a time.
type State struct {
	model  *Model
	slot   int
	tokens int
	closed bool
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
	return &State{model: m, slot: slot}, nil
}

// Clone returns another state of the same sequence.
func (s *State) Clone() (*State, error) {
	m := s.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	c, err := m.newState()
	if err != nil {
		return nil, err
	}
	if err := m.backend.copyState(c.slot, s.slot); err != nil {
		m.used[c.slot] = false
		return nil, err
	}
	c.tokens = s.tokens
	return c, nil
}

// Reset makes it the state of an empty sequence again.
func (s *State) Reset() error {
	m := s.model
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.closed || m.closed {
		return ErrClosed
	}
	s.tokens = 0
	return m.backend.clearState(s.slot)
}

// Tokens is the number of tokens that the sequence has had.
func (s *State) Tokens() int {
	s.model.mu.Lock()
	defer s.model.mu.Unlock()
	return s.tokens
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
