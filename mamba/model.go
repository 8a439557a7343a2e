package mamba

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/mambagpu/mambagpu/mamba/tokenizer"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Model is a language model on a device. Make one with [Load], [LoadFS] or
// [New]. Its methods may be called from any goroutine and run one after the
// other.
type Model struct {
	config    ModelConfig
	tokenizer *tokenizer.Tokenizer
	chunk     int // tokens of a chunk, over all its rows

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

// Step takes each sequence on by one token and returns the logits (VocabSize)
// of the next one for each. Errors are those of Prefill.
func (m *Model) Step(ctx context.Context, states []*State, ids []int) ([][]float32, error) {
	return m.PrefillBatch(ctx, states, columns(ids))
}

// columns is each id as a sequence of its own.
func columns(ids []int) [][]int {
	rows := make([][]int, len(ids))
	for i := range ids {
		rows[i] = ids[i : i+1]
	}
	return rows
}

// Trace runs ids through the network from an empty state and hands every
// stage's tensor to hook, in order: "embedding", then for each layer i
// "layer.i.norm", "in_proj", "conv", "conv_state", "x_proj", "delta",
// "scan_gated", "ssm_state", "out_proj" and "residual", then "norm_f" and
// "logits". Shapes are (1, L, width), and (1, d_inner, ...) of the states. All
// ids go in one chunk. An error of hook ends the trace and is returned. hook
// must not call methods of the model or its states.
func (m *Model) Trace(ctx context.Context, ids []int, hook func(Stage) error) error {
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
	b := batch{rows: 1, length: len(ids), output: allLogits, slot: s.slot}
	return m.backend.trace(b, words, []uint32{uint32(s.slot)}, func(s Stage) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return hook(s)
	})
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
		if words[i], err = m.checkIDs(ids[i]); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, states); err != nil {
		return nil, err
	}
	a := &advance{model: m, states: states, ids: words, output: output, out: &outcome{
		logits: make([][]float32, len(ids)), best: make([]int, len(ids)),
	}}
	if opts != nil {
		a.advanceOptions = *opts
	}
	return a.out, a.run(ctx)
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
		case s.closed:
			return ErrClosed
		case seen[s]:
			return &OptionError{"a state", "given twice", "one for each sequence"}
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
