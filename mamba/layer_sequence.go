package mamba

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/mambagpu/mambagpu/wgpu"
)

// sequencer takes batches of sequences through a layer, chunk by chunk. It is
// what layers of all kinds have in common.
type sequencer struct {
	width    int   // d
	in       []int // the arrays that x goes into, of width d
	out      int   // the array that the result comes from, of width d
	params   parameters
	metadata map[string]string
	chunk    int // tokens
	budget   uint64

	mu      sync.Mutex
	machine machine
	scratch layerStates // of sequences that nobody keeps
	room    int         // of scratch, in sequences
	most    int         // sequences that scratch can have
	closed  bool
}

// start loads a layer onto the machine that opts choose.
func (q *sequencer) start(spec layerSpec, opts *Options) error {
	if opts == nil {
		opts = &Options{}
	}
	if opts.ChunkLength < 0 {
		return &OptionError{"ChunkLength", opts.ChunkLength, "0 or more"}
	}
	m, err := openMachine(spec, opts)
	if err != nil {
		return err
	}
	q.machine, q.chunk, q.budget, q.most = m, m.chunkTokens(), opts.MemoryBudget, scratchRows
	if opts.ChunkLength > 0 {
		q.chunk = min(q.chunk, opts.ChunkLength)
	}
	return nil
}

// AdapterInfo describes what the layer runs on.
func (q *sequencer) AdapterInfo() wgpu.AdapterInfo { return q.machine.info() }

// MemoryInUse is the number of bytes that the layer holds on its device, and,
// on a device that is not its own, that others hold there.
func (q *sequencer) MemoryInUse() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0
	}
	return q.machine.memoryInUse()
}

// Close gives back what the layer and its states hold. Further calls do
// nothing; methods that compute then return [ErrClosed].
func (q *sequencer) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil
	}
	q.closed = true
	if q.scratch != nil {
		q.scratch.close()
	}
	return q.machine.close()
}

// Save writes the layer's parameters as a safetensors file of float32, with
// the names that the type's documentation lists.
func (q *sequencer) Save(w io.Writer) error { return q.params.write(w, q.metadata) }

// Forward takes sequences x (B, L, d_model) from their beginning to their end
// and returns a tensor of the same shape. Any L will do: it goes through in
// chunks, so that device memory does not grow with it. Errors: [*TensorError],
// that of ctx, [ErrClosed], those of package wgpu for want of memory.
func (q *sequencer) Forward(ctx context.Context, x Tensor) (Tensor, error) {
	return q.take(ctx, nil, x)
}

// Prefill takes the sequences of st on by x (B, L, d_model) and returns a
// tensor of the same shape: Forward of all their tokens so far, without the
// earlier rows. After an error the state is somewhere between. Errors are
// those of Forward, and [*OptionError] for a state of another layer.
func (q *sequencer) Prefill(ctx context.Context, st *LayerState, x Tensor) (Tensor, error) {
	if st == nil {
		return Tensor{}, &OptionError{"the state", "nil", "one of NewState"}
	}
	return q.take(ctx, st, x)
}

// Step takes each sequence of st on by one token, x (B, d_model), and returns
// a tensor of the same shape. Errors are those of Prefill.
func (q *sequencer) Step(ctx context.Context, st *LayerState, x Tensor) (Tensor, error) {
	if err := x.shaped("x", axis{"B", 0}, axis{"d_model", q.width}); err != nil {
		return Tensor{}, err
	}
	y, err := q.Prefill(ctx, st, Tensor{[]int{x.Shape[0], 1, q.width}, x.Data})
	if err != nil {
		return Tensor{}, err
	}
	return Tensor{[]int{x.Shape[0], q.width}, y.Data}, nil
}

func (q *sequencer) take(ctx context.Context, st *LayerState, x Tensor) (Tensor, error) {
	if err := x.shaped("x", axis{"B", 0}, axis{"L", 0}, axis{"d_model", q.width}); err != nil {
		return Tensor{}, err
	}
	j := job{batch: x.Shape[0], length: x.Shape[1]}
	for _, a := range q.in {
		j.in = append(j.in, flow{a, q.width, x.Data})
	}
	y := NewTensor(j.batch, j.length, q.width)
	j.out = []flow{{q.out, q.width, y.Data}}
	return y, q.do(ctx, st, j)
}

// job is work on whole sequences.
type job struct {
	part          part
	batch, length int
	in, out       []flow
}

// flow is host data (batch, length, width) that goes into an array or comes
// out of one.
type flow struct {
	array, width int
	data         []float32
}

// do runs a job in chunks of as many tokens as there is room for, from and to
// st, or from empty states if it is nil.
func (q *sequencer) do(ctx context.Context, st *LayerState, j job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.check(st, j.batch); err != nil {
		return err
	}
	room, err := q.machine.reserve(min(j.batch*j.length, max(q.chunk, 1)))
	if err != nil {
		return err
	}
	rows := min(j.batch, room)
	var states layerStates
	switch {
	case st != nil:
		states = st.states
	case j.part.stateful():
		if rows, err = q.reserveScratch(rows); err != nil {
			return err
		}
		states = q.scratch
	}
	steps := min(j.length, room/rows)
	for r := 0; r < j.batch; r += rows {
		for t := 0; t < j.length; t += steps {
			if err := ctx.Err(); err != nil {
				return err
			}
			w := window{j.length, r, min(rows, j.batch-r), t, min(steps, j.length-t)}
			first := 0
			if st != nil {
				first = r
			}
			if err := q.through(j, w, states, first, st == nil && t == 0); err != nil {
				return err
			}
		}
	}
	if st != nil {
		st.tokens += j.length
	}
	return nil
}

// check returns an error unless the layer and a state of it are open. The
// caller holds the lock.
func (q *sequencer) check(st *LayerState, batch int) error {
	switch {
	case q.closed:
		return ErrClosed
	case st == nil:
		return nil
	case st.layer != q:
		return &OptionError{"the state", "of another layer", "of this one"}
	case st.closed:
		return ErrClosed
	case st.batch != batch:
		return &TensorError{"x", fmt.Sprintf("%d sequences", batch), fmt.Sprintf("those of the state, %d", st.batch)}
	}
	return nil
}

// scratchRows is the most sequences whose states nobody keeps in one chunk. So
// many fill a large GPU, and a state may have megabytes.
const scratchRows = 256

// reserveScratch makes room for the states of rows sequences or, where memory
// or a binding does not suffice, of half as many, and so on, and returns how
// many there is room for; it does not ask for more again.
func (q *sequencer) reserveScratch(rows int) (int, error) {
	for rows = min(rows, q.most); rows > q.room; rows /= 2 {
		next, err := q.machine.newStates(rows)
		if err == nil {
			if q.scratch != nil {
				q.scratch.close()
			}
			q.scratch, q.room = next, rows
			break
		}
		if rows == 1 || !exhausted(err) {
			return 0, err
		}
		q.most = rows / 2
	}
	return rows, nil
}

// through runs one chunk of a job.
func (q *sequencer) through(j job, w window, st layerStates, first int, fresh bool) error {
	var in, out []transfer
	for _, f := range j.in {
		in = append(in, transfer{f.array, w.gather(f)})
	}
	for _, f := range j.out {
		out = append(out, transfer{f.array, w.room(f)})
	}
	p := pass{part: j.part, rows: w.rows, length: w.steps, fresh: fresh}
	if err := q.machine.run(p, st, first, in, out); err != nil {
		return err
	}
	for i, f := range j.out {
		w.scatter(f, out[i].data)
	}
	return nil
}

// window is a chunk's part of sequences of some length: rows from row on,
// steps from step on.
type window struct{ length, row, rows, step, steps int }

// direct is the chunk's part of a flow where that is contiguous.
func (w window) direct(f flow) ([]float32, bool) {
	if w.rows > 1 && w.steps < w.length {
		return nil, false
	}
	return w.line(f, 0)[:w.rows*w.steps*f.width], true
}

// line is what follows the chunk's first element in row r of its own.
func (w window) line(f flow, r int) []float32 {
	return f.data[((w.row+r)*w.length+w.step)*f.width:]
}

// room is a place for the chunk's part of a flow.
func (w window) room(f flow) []float32 {
	if d, ok := w.direct(f); ok {
		return d
	}
	return make([]float32, w.rows*w.steps*f.width)
}

// gather is the chunk's part of a flow.
func (w window) gather(f flow) []float32 {
	if d, ok := w.direct(f); ok {
		return d
	}
	n := w.steps * f.width
	data := make([]float32, 0, w.rows*n)
	for r := range w.rows {
		data = append(data, w.line(f, r)[:n]...)
	}
	return data
}

// scatter puts data where gather took it from.
func (w window) scatter(f flow, data []float32) {
	if _, ok := w.direct(f); ok {
		return // it is there already
	}
	n := w.steps * f.width
	for r := range w.rows {
		copy(w.line(f, r)[:n], data[r*n:])
	}
}

// LayerState is what a batch of sequences leaves behind in a [Layer] or a
// [Block]: the latest d_conv-1 inputs of the convolution and the state of the
// recurrence, of the same size whatever the sequences' length. A LayerState
// belongs to one call at a time.
type LayerState struct {
	layer  *sequencer
	states layerStates
	batch  int
	tokens int
	closed bool
}

// NewState returns the state of batch empty sequences. Close it when done.
// Errors: [*OptionError], [ErrClosed], those of package wgpu for want of
// memory.
func (q *sequencer) NewState(batch int) (*LayerState, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if err := checkSize("the number of sequences", batch, 1, 1<<20); err != nil {
		return nil, err
	}
	st, err := q.machine.newStates(batch)
	if err != nil {
		return nil, err
	}
	return &LayerState{layer: q, states: st, batch: batch}, nil
}

// Batch is the number of sequences.
func (s *LayerState) Batch() int { return s.batch }

// Tokens is the number of tokens that each sequence has had.
func (s *LayerState) Tokens() int {
	s.layer.mu.Lock()
	defer s.layer.mu.Unlock()
	return s.tokens
}

// Reset makes it the state of empty sequences again.
func (s *LayerState) Reset() error {
	s.layer.mu.Lock()
	defer s.layer.mu.Unlock()
	if s.closed || s.layer.closed {
		return ErrClosed
	}
	s.tokens = 0
	return s.states.clear()
}

// Close gives the state back. Further calls do nothing.
func (s *LayerState) Close() error {
	s.layer.mu.Lock()
	defer s.layer.mu.Unlock()
	if !s.closed && !s.layer.closed {
		s.states.close()
	}
	s.closed = true
	return nil
}
