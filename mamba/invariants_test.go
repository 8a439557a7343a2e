package mamba

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPrefillInParts is the scan of a concatenation as two scans.
func TestPrefillInParts(t *testing.T) {
	onAll(t, func(t *testing.T, m *Model) {
		ids := someIDs(m, 45, 1)
		want := alone(t, m, ids)
		var seen errorsSeen
		for _, cut := range []int{1, 15, 16, 17, 44} {
			s := newState(t, m)
			prefill(t, m, s, ids[:cut])
			require.Equal(t, cut, s.Tokens())
			seen.within(t, invariant, prefill(t, m, s, ids[cut:]), want, "cut at ", cut)
			require.Equal(t, len(ids), s.Tokens())
			s.Close()
		}
		seen.log(t)
	})
}

// TestPrefillAsSteps compares the logits of every token of a chunk with those
// of single steps.
func TestPrefillAsSteps(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		ids := someIDs(m, 40, 2)
		_, stages := collectTrace(t, m, ids)
		all, v := stages["logits"].Data, m.config.VocabSize
		s := newState(t, m)
		var seen errorsSeen
		for i, id := range ids {
			rows, err := m.Step(ctx, []*State{s}, []int{id})
			require.NoError(t, err)
			seen.within(t, invariant, rows[0], all[i*v:(i+1)*v], "token ", i)
		}
		seen.within(t, invariant, alone(t, m, ids), all[39*v:], "prefill")
		seen.log(t)
		s.Close()
	})
}

// TestBatchRows compares rows of batches, ragged ones and single steps of more rows than
// matvec takes, with each sequence alone.
func TestBatchRows(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		var seen errorsSeen
		for _, lengths := range [][]int{{1, 5, 17, 40}, {3, 1, 2}, {1, 1, 1, 1, 2, 1, 1, 1, 1}} {
			states := newStates(t, m, len(lengths))
			ids, next, want, wantNext := make([][]int, len(lengths)), make([]int, len(lengths)), [][]float32{}, [][]float32{}
			for i, n := range lengths {
				ids[i], next[i] = someIDs(m, n, 10+i), 100+i
				s := newState(t, m)
				want = append(want, prefill(t, m, s, ids[i]))
				wantNext = append(wantNext, prefill(t, m, s, next[i:i+1]))
				s.Close()
			}
			got, err := m.PrefillBatch(ctx, states, ids)
			require.NoError(t, err)
			gotNext, err := m.Step(ctx, states, next)
			require.NoError(t, err)
			for i, n := range lengths {
				seen.within(t, invariant, got[i], want[i], fmt.Sprintf("row %d of %v", i, lengths))
				seen.within(t, invariant, gotNext[i], wantNext[i], fmt.Sprintf("step of row %d of %v", i, lengths))
				require.Equal(t, n+1, states[i].Tokens())
			}
			closeStates(states...)
		}
		seen.log(t)
	})
}

// TestBatchOrder changes the order of a batch's rows.
func TestBatchOrder(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		run := func(order []int) [][]float32 {
			states := newStates(t, m, len(order))
			defer closeStates(states...)
			ids, permuted := make([][]int, len(order)), make([]*State, len(order))
			for k, i := range order {
				ids[k], permuted[k] = someIDs(m, 3+4*i, 20+i), states[i]
			}
			rows, err := m.PrefillBatch(ctx, permuted, ids)
			require.NoError(t, err)
			out := make([][]float32, len(order))
			for k, i := range order {
				out[i] = rows[k]
			}
			return out
		}
		want := run([]int{0, 1, 2, 3})
		var seen errorsSeen
		for _, order := range [][]int{{3, 2, 1, 0}, {2, 0, 3, 1}} {
			for i, row := range run(order) {
				seen.within(t, invariant, row, want[i], "row ", i, " of ", order)
			}
		}
		seen.log(t)
	})
}

// setChunk changes the tokens of a chunk until the test ends.
func setChunk(t *testing.T, m *Model, n int) {
	old := m.chunk
	m.chunk = n
	t.Cleanup(func() { m.chunk = old })
}

func TestChunkLengths(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		ids, other := someIDs(m, 40, 3), someIDs(m, 23, 4)
		want, wantOther := alone(t, m, ids), alone(t, m, other)
		var seen errorsSeen
		for _, chunk := range []int{1, 7, 16, 33, 64} {
			setChunk(t, m, chunk)
			seen.within(t, invariant, alone(t, m, ids), want, "chunks of ", chunk)
			if chunk != 7 && chunk != 16 {
				continue
			}
			states := newStates(t, m, 2)
			rows, err := m.PrefillBatch(ctx, states, [][]int{ids, other})
			require.NoError(t, err)
			seen.within(t, invariant, rows[0], want, "two rows, chunks of ", chunk)
			seen.within(t, invariant, rows[1], wantOther, "two rows, chunks of ", chunk)
			closeStates(states...)
		}
		seen.log(t)
	})
}

// TestChunkOption runs more rows than a chunk has tokens, and chunks of which
// the last is a single token.
func TestChunkOption(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		want := newTiny(t, opts)
		opts.ChunkLength = 2
		m := newTiny(t, opts)
		require.Equal(t, 2, m.chunk)
		states := newStates(t, m, 5)
		ids := make([][]int, len(states))
		for i := range ids {
			ids[i] = someIDs(m, 5-i, i)
		}
		rows, err := m.PrefillBatch(ctx, states, ids)
		require.NoError(t, err)
		var seen errorsSeen
		for i := range rows {
			seen.within(t, invariant, rows[i], alone(t, want, ids[i]), "row ", i)
		}
	})
}

// TestRepeatable runs the same computations twice for the same bits.
func TestRepeatable(t *testing.T) {
	onAll(t, func(t *testing.T, m *Model) {
		run := func() [][]float32 {
			states := newStates(t, m, 3)
			defer closeStates(states...)
			rows, err := m.PrefillBatch(ctx, states, [][]int{someIDs(m, 40, 5), someIDs(m, 20, 6), {7}})
			require.NoError(t, err)
			next, err := m.Step(ctx, states, []int{1, 2, 3})
			require.NoError(t, err)
			return append(rows, next...)
		}
		require.Equal(t, run(), run())
	})
}

func TestRepeatableModels(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		a, b := newTiny(t, opts), newTiny(t, opts)
		ids := someIDs(a, 70, 1)
		require.Equal(t, alone(t, a, ids), alone(t, b, ids))
	})
}

// TestStates clones, resets, closes and opens states around one that lives on.
func TestStates(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		ids := someIDs(m, 12, 8)
		first, second := ids[:7], ids[7:]
		want, wantFirst := alone(t, m, ids), alone(t, m, first)
		s := newState(t, m)
		prefill(t, m, s, first)
		wantNext := prefill(t, m, s, second)
		s.Close()
		require.LessOrEqual(t, relative(wantNext, want), invariant)
		states := newStates(t, m, 4)
		defer closeStates(states...)
		live := states[2]
		require.Equal(t, wantFirst, prefill(t, m, live, first))
		for i, s := range []*State{states[0], states[1], states[3]} { // leave other contents in other slots
			prefill(t, m, s, someIDs(m, 9, 30+i))
		}

		clone, err := live.Clone()
		require.NoError(t, err)
		require.Equal(t, len(first), clone.Tokens())
		prefill(t, m, clone, someIDs(m, 5, 40))
		clone2, err := live.Clone()
		require.NoError(t, err)
		require.Equal(t, wantNext, prefill(t, m, clone2, second), "a clone goes on as the original would")
		require.Equal(t, wantNext, prefill(t, m, live, second), "the original is as it was")

		require.NoError(t, clone2.Reset())
		require.Zero(t, clone2.Tokens())
		require.Equal(t, want, prefill(t, m, clone2, ids), "reset is new")

		closeStates(clone, clone2, states[1], states[3])
		again := newStates(t, m, 2) // in slots that others used
		require.Equal(t, []int{states[1].slot, states[3].slot}, []int{again[0].slot, again[1].slot})
		rows, err := m.PrefillBatch(ctx, []*State{again[1], again[0]}, [][]int{ids, ids})
		require.NoError(t, err)
		for _, row := range rows {
			require.LessOrEqual(t, relative(row, want), invariant, "a slot used again is new")
		}
		closeStates(again...)
	})
}

// TestGrowth opens more and more states while one is in use.
func TestGrowth(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		ids := someIDs(m, 40, 9)
		want := alone(t, m, ids)
		live := newState(t, m)
		var states []*State
		for i, id := range ids {
			got := prefill(t, m, live, []int{id})
			if i == len(ids)-1 {
				require.LessOrEqual(t, relative(got, want), invariant)
			}
			states = append(states, newState(t, m))
			prefill(t, m, states[i], []int{ids[len(ids)-1-i]})
		}
		slices.Reverse(states)
		rest := make([][]int, len(states))
		for i := range rest { // each state has ids[i] and goes on by what followed that
			rest[i] = ids[i+1:]
		}
		states, rest = states[:len(states)-1], rest[:len(rest)-1]
		rows, err := m.PrefillBatch(ctx, states, rest)
		require.NoError(t, err)
		for i := range rows {
			require.LessOrEqual(t, relative(rows[i], alone(t, m, ids[i:])), invariant, i)
		}
	})
}

// TestMemoryOfLongPrompts fills states with short and long prompts.
func TestMemoryOfLongPrompts(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		opts.ChunkLength = 64
		m := newTiny(t, opts)
		alone(t, m, someIDs(m, 300, 1))
		before := m.MemoryInUse()
		require.NotZero(t, before)
		alone(t, m, someIDs(m, 3000, 2))
		require.Equal(t, before, m.MemoryInUse())
	})
}
