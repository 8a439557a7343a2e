package mamba

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/mambagpu/mambagpu/mamba/tokenizer"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Model is a language model on a device. Make one with [Load], [LoadFS] or
// [New]. Its methods may be called from any goroutine and run one after the
// other.
type Model struct {
	config      ModelConfig
	fingerprint fingerprint
	tokenizer   *tokenizer.Tokenizer
	chunk       int // tokens of a chunk, over all its rows

	mu      sync.Mutex
	backend backend
	used    []bool // slots in use
	closed  bool
}

// Config is the model's architecture.
func (m *Model) Config() ModelConfig { return m.config }

// Tokenizer is the model's tokenizer, or nil if its folder has none.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tokenizer }

// AdapterInfo describes what the model runs on.
func (m *Model) AdapterInfo() wgpu.AdapterInfo { return m.backend.info() }

// Adapter is the name of what the model runs on: a WebGPU adapter's, or "go".
func (m *Model) Adapter() string { return m.backend.info().Name }

// MemoryInUse is the number of bytes that the model holds on its device, and,
// on a device that is not its own, that others hold there.
func (m *Model) MemoryInUse() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0
	}
	return m.backend.memoryInUse()
}

// Close gives back what the model holds. Further calls do nothing; other
// methods then return [ErrClosed].
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	return m.backend.close()
}

// Prefill takes a sequence on by ids, of any number, and returns the logits
// (VocabSize) of the token after the last of them. Memory does not grow with
// their number. If ctx ends it returns its error, with the state somewhere
// between. Errors: [ErrEmptyPrompt], [*TokenError], [ErrNotFinite],
// [ErrClosed].
func (m *Model) Prefill(ctx context.Context, s *State, ids []int) ([]float32, error) {
	rows, err := m.PrefillBatch(ctx, []*State{s}, [][]int{ids})
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

// PrefillBatch is [Model.Prefill] of several sequences at once, each with a
// state of its own. Sequences may have different lengths.
func (m *Model) PrefillBatch(ctx context.Context, states []*State, ids [][]int) ([][]float32, error) {
	r, err := m.advance(ctx, states, ids, lastLogits, nil)
	if err != nil {
		return nil, err
	}
	return r.logits, finiteRows(r.logits)
}

// Prepare takes a sequence on by ids, the last of which it leaves pending, so
// that [Model.Generate] with an empty prompt begins with the token after it.
// This is how a prompt's state is kept for several continuations: see
// [State.Save] and [State.Clone]. Errors are those of Prefill.
func (m *Model) Prepare(ctx context.Context, s *State, ids []int) error {
	if _, err := m.checkIDs(ids); err != nil {
		return err
	}
	rest, last := ids[:len(ids)-1], ids[len(ids)-1]
	if len(s.withPending(rest)) > 0 {
		if _, err := m.advance(ctx, []*State{s}, [][]int{rest}, onlyState, nil); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, []*State{s}); err != nil {
		return err
	}
	s.pending = last
	return nil
}

// Step takes each sequence on by one token and returns the logits (VocabSize)
// of the next one for each. Errors are those of Prefill.
func (m *Model) Step(ctx context.Context, states []*State, ids []int) ([][]float32, error) {
	return m.PrefillBatch(ctx, states, columns(ids))
}

// StepGreedy takes each sequence on by one token and returns the most probable
// next one of each, chosen on the device. Errors are those of Prefill.
func (m *Model) StepGreedy(ctx context.Context, states []*State, ids []int) ([]int, error) {
	choices := m.choices()
	r, err := m.advance(ctx, states, columns(ids), lastChoice, &advanceOptions{choice: choice{width: choices}})
	if err != nil {
		return nil, err
	}
	for _, id := range r.best {
		if id >= choices {
			return nil, ErrNotFinite
		}
	}
	return r.best, nil
}

// Usage counts what the model's device was given to do so far, by whomever;
// what a call adds to it is that call's, if nothing else runs. The Go backend
// counts nothing.
func (m *Model) Usage() wgpu.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return wgpu.Usage{}
	}
	return m.backend.usage()
}

// columns is each id as a sequence of its own.
func columns(ids []int) [][]int {
	rows := make([][]int, len(ids))
	for i := range ids {
		rows[i] = ids[i : i+1]
	}
	return rows
}

// Trace runs ids through the network from an empty state and hands the tensors
// of the stages named, in the order of [StageNames], to hook; with none named,
// those of all. A name may be a pattern of [path.Match]: "layer.*.conv". Only
// tensors that are handed out are read back, and nothing is computed after the
// last of them. Shapes are (1, L, width), and (1, d_inner, ...) of the states.
// All ids go in one chunk. An error of hook ends the trace and is returned.
// hook must not call methods of the model or its states. Errors:
// [*OptionError], those of Prefill.
func (m *Model) Trace(ctx context.Context, ids []int, hook func(Stage) error, names ...string) error {
	w, err := selectStages(m.config, names)
	if err != nil {
		return err
	}
	s, err := m.NewState()
	if err != nil {
		return err
	}
	defer s.Close()
	words, err := m.checkIDs(ids)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, []*State{s}); err != nil {
		return err
	}
	n, err := m.backend.reserveTokens(len(ids))
	if err != nil {
		return err
	}
	if n < len(ids) {
		return &OptionError{"the number of tokens to trace", len(ids), fmt.Sprintf("at most %d on this device", n)}
	}
	b := batch{rows: 1, length: len(ids), output: w.output(), slot: s.slot}
	err = m.backend.trace(b, words, []uint32{uint32(s.slot)}, w.has, func(s Stage) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := hook(s); err != nil {
			return err
		}
		return w.handedOut()
	})
	if err == errTraced {
		err = nil
	}
	return err
}

// outcome is what advancing sequences gave: a row for each of them.
type outcome struct {
	logits [][]float32
	best   []int
}

// advance takes sequences on by their ids and returns what output asks for.
func (m *Model) advance(ctx context.Context, states []*State, ids [][]int, output output, opts *advanceOptions) (*outcome, error) {
	if len(states) != len(ids) {
		return nil, &OptionError{"the number of sequences", len(ids), fmt.Sprintf("that of states, %d", len(states))}
	}
	words := make([][]uint32, len(ids))
	for i := range ids {
		var err error
		if words[i], err = m.checkIDs(states[i].withPending(ids[i])); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, states); err != nil {
		return nil, err
	}
	a := &advance{model: m, states: states, ids: slices.Clone(words), output: output, out: &outcome{
		logits: make([][]float32, len(ids)), best: make([]int, len(ids)),
	}}
	if opts != nil {
		a.advanceOptions = *opts
	}
	err := a.run(ctx)
	for i, s := range states {
		s.took(words[i][:len(words[i])-len(a.ids[i])])
	}
	return a.out, err
}

// check returns an error unless the model and distinct states of it are open.
// The caller holds the lock.
func (m *Model) check(ctx context.Context, states []*State) error {
	if m.closed {
		return ErrClosed
	}
	seen := map[*State]bool{}
	for _, s := range states {
		switch {
		case s == nil || s.model != m:
			return &OptionError{"a state", "of another model", "of this one"}
		case seen[s]:
			return &OptionError{"a state", "given twice", "one for each sequence"}
		}
		if err := s.usable(); err != nil {
			return err
		}
		seen[s] = true
	}
	return ctx.Err()
}

// checkIDs converts ids to the device's words.
func (m *Model) checkIDs(ids []int) ([]uint32, error) {
	if len(ids) == 0 {
		return nil, ErrEmptyPrompt
	}
	words := make([]uint32, len(ids))
	for i, id := range ids {
		if id < 0 || id >= m.config.VocabSize {
			return nil, &TokenError{id, m.config.VocabSize}
		}
		words[i] = uint32(id)
	}
	return words, nil
}

// finiteRows returns ErrNotFinite if an element of a row is NaN or infinite.
func finiteRows(rows [][]float32) error {
	for _, row := range rows {
		for _, v := range row {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return ErrNotFinite
			}
		}
	}
	return nil
}
