package mamba

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// logProbBytes bounds the logits of one chunk of LogProbs.
const logProbBytes = 64 << 20

// LogProbs takes a sequence on by ids and returns for each i the natural
// logarithm of the probability of targets[i] as the token after ids[i]:
//
//	logits[i][targets[i]] - log sum_v exp(logits[i][v])
//
// over all VocabSize rows of the vocabulary, in float64. With targets[i] =
// ids[i+1] the negative mean is the cross-entropy of a text, and its
// exponential the perplexity. Memory does not grow with the number of ids. If
// ctx ends it returns its error, with the state somewhere between. Errors:
// [*OptionError] unless there are as many targets as ids, those of Prefill.
func (m *Model) LogProbs(ctx context.Context, s *State, ids, targets []int) ([]float64, error) {
	if len(ids) != len(targets) {
		return nil, &OptionError{"the number of targets", len(targets), fmt.Sprintf("that of ids, %d", len(ids))}
	}
	if _, err := m.checkIDs(targets); err != nil {
		return nil, err
	}
	words, err := m.checkIDs(s.withPending(ids))
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, []*State{s}); err != nil {
		return nil, err
	}
	out := make([]float64, len(words))
	pending := len(words) - len(ids) // tokens that nothing is asked after
	for done := 0; done < len(words); {
		n, err := m.logProbChunk(s, words[done:], func(i int, logits []float32) (ok bool) {
			i += done
			if i >= pending {
				out[i], ok = logProb(logits, targets[i-pending])
				return ok
			}
			return true
		})
		if err != nil {
			return nil, err
		}
		done += n
		if err := ctx.Err(); err != nil && done < len(words) {
			return nil, err
		}
	}
	return out[pending:], nil
}

// logProbChunk takes a state on by as many words as a chunk has, and calls use,
// from several goroutines, with the logits after each; it returns their
// number. The caller holds the lock.
func (m *Model) logProbChunk(s *State, words []uint32, use func(i int, logits []float32) bool) (int, error) {
	v := m.config.VocabSize
	n := max(min(len(words), m.chunk, m.backend.maxRows(), logProbBytes/(4*v)), 1)
	n, err := m.backend.reserveTokens(n)
	if err != nil {
		return 0, err
	}
	b := batch{rows: 1, length: n, output: allLogits}
	r, err := m.backend.run(b, words[:n], []uint32{uint32(s.slot)})
	if err != nil {
		return 0, err
	}
	s.tokens += n
	s.took(words[:n])
	var next, bad atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if !use(i, r.logits[i*v:(i+1)*v]) {
					bad.Add(1)
				}
			}
		})
	}
	wait.Wait()
	if bad.Load() > 0 {
		return n, ErrNotFinite
	}
	return n, nil
}

// logProb is the logarithm of a token's probability. It is not ok if a logit is
// NaN or infinite. The largest logit is subtracted before the exponentials are
// summed, so that none of them overflows.
func logProb(logits []float32, target int) (p float64, ok bool) {
	largest := logits[0]
	for _, x := range logits {
		if !(math.Abs(float64(x)) <= math.MaxFloat32) {
			return 0, false
		}
		largest = max(largest, x)
	}
	sum := 0.0
	for _, x := range logits {
		sum += math.Exp(float64(x) - float64(largest))
	}
	return float64(logits[target]) - float64(largest) - math.Log(sum), true
}
