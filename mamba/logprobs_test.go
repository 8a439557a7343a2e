package mamba

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// referenceText is what the reference model wrote, with its prompts.
func referenceText(t testing.TB) []int {
	var ids []int
	for _, c := range expected(t) {
		ids = slices.Concat(ids, c.IDs, c.GreedyIDs)
	}
	return ids
}

func logProbs(t testing.TB, m *Model, s *State, ids, targets []int) []float64 {
	t.Helper()
	out, err := m.LogProbs(ctx, s, ids, targets)
	require.NoError(t, err)
	require.Len(t, out, len(ids))
	return out
}

// close64 requires every element within a tolerance.
func close64(t testing.TB, got, want []float64, tolerance float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.InDelta(t, want[i], got[i], tolerance, "element %d", i)
	}
}

// TestLogProbs compares with the logits of single steps.
func TestLogProbs(t *testing.T) {
	onAll(t, func(t *testing.T, m *Model) {
		text := referenceText(t)[:41]
		ids, targets := text[:40], text[1:]
		s := newState(t, m)
		got := logProbs(t, m, s, ids, targets)
		require.Equal(t, len(ids), s.Tokens())
		steps := newState(t, m)
		for i, id := range ids {
			logits := prefill(t, m, steps, []int{id})
			require.InDelta(t, float64(logits[targets[i]])-logSumExp(logits), got[i], 1e-4, "token %d", i)
		}
		var seen errorsSeen
		seen.within(t, invariant, prefill(t, m, s, []int{5}), prefill(t, m, steps, []int{5}))
		closeStates(s, steps)
	})
}

// TestLogProbsInParts goes chunk by chunk, from states and after pending
// tokens.
func TestLogProbsInParts(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		text := referenceText(t)[:41]
		ids, targets := text[:40], text[1:]
		s := newState(t, m)
		defer s.Close()
		want := logProbs(t, m, s, ids, targets)
		for _, chunk := range []int{7, 32} {
			setChunk(t, m, chunk)
			require.NoError(t, s.Reset())
			close64(t, logProbs(t, m, s, ids, targets), want, 1e-4)
		}
		for _, cut := range []int{1, 39} {
			require.NoError(t, s.Reset())
			first := logProbs(t, m, s, ids[:cut], targets[:cut])
			close64(t, slices.Concat(first, logProbs(t, m, s, ids[cut:], targets[cut:])), want, 1e-4)
			require.NoError(t, s.Reset())
			require.NoError(t, m.Prepare(ctx, s, ids[:cut]))
			close64(t, logProbs(t, m, s, ids[cut:], targets[cut:]), want[cut:], 1e-4)
			require.Equal(t, []int{40, NoToken}, []int{s.Tokens(), s.Pending()})
		}
	})
}

// TestPerplexity is the same on each backend.
func TestPerplexity(t *testing.T) {
	const window = 64
	text := referenceText(t)[:4*window+1]
	perplexity := func(m *Model) float64 {
		sum, n := 0.0, 0
		for first := 0; first < 4*window; first += window {
			s := newState(t, m)
			for _, p := range logProbs(t, m, s, text[first:first+window], text[first+1:first+window+1]) {
				sum, n = sum-p, n+1
			}
			s.Close()
		}
		return math.Exp(sum / float64(n))
	}
	host, err := onGo()
	require.NoError(t, err)
	want := perplexity(host)
	t.Logf("perplexity %.6f", want)
	require.Less(t, want, 20.0, "its own text")
	onModel(t, "gpu", onGPU, func(t *testing.T, m *Model) {
		require.InEpsilon(t, want, perplexity(m), 1e-5)
	})
}

func TestLogProbsRefuses(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		s := newState(t, m)
		refuses := func(want error, s *State, ids, targets []int) {
			t.Helper()
			_, err := m.LogProbs(ctx, s, ids, targets)
			require.Equal(t, want, err)
		}
		refuses(&OptionError{"the number of targets", 1, "that of ids, 2"}, s, []int{1, 2}, []int{1})
		refuses(ErrEmptyPrompt, s, nil, nil)
		refuses(&TokenError{41, 41}, s, []int{41}, []int{1})
		refuses(&TokenError{-1, 41}, s, []int{1}, []int{-1})
		refuses(&OptionError{"a state", "of another model", "of this one"}, nil, []int{1}, []int{1})
		require.Zero(t, s.Tokens())

		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		_, err := m.LogProbs(cancelled, s, []int{1}, []int{2})
		require.Equal(t, context.Canceled, err)
		require.NoError(t, s.Close())
		refuses(ErrClosed, s, []int{1}, []int{1})

		huge := open(t, writeModel(t, tiny(), func(w tensors) {
			w.set(t, "backbone.norm_f.weight", checkpoint.F32, []int{12}, slices.Repeat([]float32{3e38}, 12))
		}), opts)
		_, err = huge.LogProbs(ctx, newState(t, huge), []int{1, 2}, []int{2, 3})
		require.Equal(t, ErrNotFinite, err)
	})
}

func TestLogProb(t *testing.T) {
	for _, c := range []struct {
		logits []float32
		target int
		want   float64
	}{
		{[]float32{5}, 0, 0},
		{[]float32{1, 1, 1, 1}, 2, -math.Log(4)},
		{[]float32{3e38, -3e38}, 0, 0},
		{[]float32{1000, 999}, 1, -1 - math.Log1p(math.Exp(-1))},
		{[]float32{0, -800}, 1, -800},
	} {
		got, ok := logProb(c.logits, c.target)
		require.True(t, ok)
		require.InDelta(t, c.want, got, 1e-12)
	}
	inf := float32(math.Inf(1))
	for _, bad := range []float32{inf, -inf, float32(math.NaN())} {
		_, ok := logProb([]float32{1, bad, 2}, 0)
		require.False(t, ok)
	}
}
