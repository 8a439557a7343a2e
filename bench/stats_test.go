package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSummarize(t *testing.T) {
	require.Zero(t, Summarize(nil))
	require.Equal(t, Summary{7, 7, 7}, Summarize([]float64{7}))
	s := Summarize([]float64{11, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10})
	require.InDelta(t, 6, s.Median, 1e-12)
	require.InDelta(t, 2, s.P10, 1e-12)
	require.InDelta(t, 10, s.P90, 1e-12)
	require.InDelta(t, 1.5, Summarize([]float64{2, 1}).Median, 1e-12)
}

func TestSummarizeIsOrderedAndWithin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 50).Draw(t, "samples")
		s := Summarize(samples)
		least, most := samples[0], samples[0]
		for _, v := range samples {
			least, most = min(least, v), max(most, v)
		}
		if !(least <= s.P10 && s.P10 <= s.Median && s.Median <= s.P90 && s.P90 <= most) {
			t.Fatalf("%v of %v", s, samples)
		}
	})
}
