package cpu

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestParallelCoversOnce checks that each item is in exactly one range.
func TestParallelCoversOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "n")
		cost := rapid.IntRange(0, 2*grain).Draw(t, "cost")
		seen := make([]atomic.Int32, n)
		parallel(n, cost, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				seen[i].Add(1)
			}
		})
		for i := range seen {
			require.EqualValues(t, 1, seen[i].Load(), "item %d", i)
		}
	})
}

// TestParallelChannelsCoversOnce checks that each pair is in exactly one block.
func TestParallelChannelsCoversOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batch := rapid.IntRange(0, 5).Draw(t, "batch")
		channels := rapid.IntRange(1, 70).Draw(t, "channels")
		cost := rapid.IntRange(0, 2*grain).Draw(t, "cost")
		seen := make([]atomic.Int32, batch*channels)
		parallelChannels(batch, channels, cost, func(b, lo, hi int) {
			for e := lo; e < hi; e++ {
				seen[b*channels+e].Add(1)
			}
		})
		for i := range seen {
			require.EqualValues(t, 1, seen[i].Load(), "pair %d", i)
		}
	})
}

// TestParallelSmallIsInline checks that small work stays in one range.
func TestParallelSmallIsInline(t *testing.T) {
	calls := 0
	parallel(grain/10, 10, func(lo, hi int) {
		calls++
		require.Equal(t, [2]int{0, grain / 10}, [2]int{lo, hi})
	})
	require.Equal(t, 1, calls)
}
