package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// timed is a report of one kernel with these samples of its shapes.
func timed(samples map[string][]float64) *Report {
	r := &Report{Adapter: "A", Driver: "1"}
	for _, shape := range []string{"a", "b", "c", "d", "e"} {
		if s, ok := samples[shape]; ok {
			c := Result{Name: "matmul", Shape: shape}
			c.settle(s, clockGPU, nil)
			r.Results = append(r.Results, c)
		}
	}
	return r
}

func TestCompare(t *testing.T) {
	old := timed(map[string][]float64{"a": {10, 11, 12}, "b": {10, 11, 12}, "c": {10, 11, 12}, "d": {10, 11, 12}})
	now := timed(map[string][]float64{"a": {20, 22, 24}, "b": {11, 12, 13}, "c": {5, 5.5, 6}, "e": {1}})
	now.Results = append(now.Results, Result{Name: "matmul", Shape: "d", Skipped: "no room"})
	deltas := Compare(old, now)
	require.Len(t, deltas, 3)
	require.Equal(t, "matmul a", deltas[0].Key)
	require.InDelta(t, 2, deltas[0].Ratio, 1e-12)
	require.Equal(t, []string{"slower", "", "faster"}, []string{deltas[0].Mark(), deltas[1].Mark(), deltas[2].Mark()})
	require.Equal(t, []string{"matmul c", "11.0 us", "5.50 us", "0.50", "faster"}, CompareTable(deltas).Rows[2])
	for _, d := range Compare(old, old) {
		require.InDelta(t, 1, d.Ratio, 0)
		require.Empty(t, d.Mark())
	}
	require.Empty(t, Compare(&Report{}, now))
}

func TestDoubts(t *testing.T) {
	old, now := timed(nil), timed(nil)
	require.Empty(t, Doubts(old, now))
	now.Adapter, now.Driver = "B", "2"
	require.Equal(t, []string{"the adapter differs: A before, B now", "the driver differs: 1 before, 2 now"}, Doubts(old, now))
}
