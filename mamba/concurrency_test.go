package mamba

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestConcurrentGenerations gives each goroutine the text it would have alone.
func TestConcurrentGenerations(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		const tokens = 6
		var all sync.WaitGroup
		for _, c := range expected(t)[:5] {
			all.Go(func() {
				var ids []int
				for token, err := range m.Generate(ctx, c.Prompt, &GenerateOptions{MaxTokens: tokens, IgnoreEOS: true}) {
					if !assert.NoError(t, err) {
						return
					}
					ids = append(ids, token.ID)
				}
				assert.Equal(t, c.GreedyIDs[:tokens], ids, c.Prompt)
			})
		}
		all.Wait()
	})
}

// TestConcurrentUse opens, clones, steps and closes states from many
// goroutines.
func TestConcurrentUse(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		want := alone(t, m, []int{1, 2, 3})
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				for range 4 {
					s, err := m.NewState()
					if !assert.NoError(t, err) {
						return
					}
					_, err = m.Prefill(ctx, s, []int{1, 2})
					assert.NoError(t, err)
					c, err := s.Clone()
					if assert.NoError(t, err) {
						logits, err := m.Prefill(ctx, c, []int{3})
						assert.NoError(t, err)
						assert.LessOrEqual(t, relative(logits, want), invariant)
						assert.NoError(t, c.Close())
					}
					assert.NotEmpty(t, m.Adapter())
					assert.NotZero(t, m.MemoryInUse())
					assert.NoError(t, s.Close())
				}
			})
		}
		all.Wait()
		assert.Zero(t, usedSlots(m))
	})
}

// TestCloseWhileGenerating closes a model under several generations.
func TestCloseWhileGenerating(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		started := make(chan struct{}, 4)
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				n := 0
				for _, err := range m.GenerateIDs(ctx, []int{i + 1}, &GenerateOptions{MaxTokens: 1 << 30}) {
					if err != nil {
						assert.Equal(t, ErrClosed, err)
						return
					}
					if n++; n == 2 {
						started <- struct{}{}
					}
				}
				assert.Fail(t, "generation ended of itself")
			})
		}
		for range 4 {
			<-started
		}
		for range 2 {
			all.Go(func() { assert.NoError(t, m.Close()) })
		}
		all.Wait()
		assert.NotEmpty(t, m.AdapterInfo().Name)
	})
}

// TestGarbage counts the allocations of a greedy step, which are as many with
// eight layers as with two.
func TestGarbage(t *testing.T) {
	dev := device(t)
	allocations := map[int]float64{}
	for _, layers := range []int{2, 8} {
		c := tiny()
		c.NLayer = layers
		m := open(t, writeModel(t, c, nil), Options{Device: dev})
		s := newState(t, m)
		states, rows := []*State{s}, [][]int{{1}}
		step := func() {
			_, err := m.advance(ctx, states, rows, lastChoice, &advanceOptions{choice: choice{width: c.VocabSize}})
			require.NoError(t, err)
		}
		step()
		allocations[layers] = testing.AllocsPerRun(50, step)
	}
	t.Log("allocations of a step by layers: ", fmt.Sprint(allocations))
	assert.InDelta(t, allocations[2], allocations[8], 3)
}

// TestPlansAreBounded runs batches of many shapes.
func TestPlansAreBounded(t *testing.T) {
	m := newTiny(t, Options{Device: device(t)})
	s := newState(t, m)
	for n := range 3 * keptPlans {
		prefill(t, m, s, someIDs(m, 40-n, n))
	}
	g := m.backend.(*gpuBackend)
	assert.Len(t, g.plans.recent, keptPlans)
}
