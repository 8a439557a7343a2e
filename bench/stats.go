package bench

import (
	"math"
	"slices"
)

// Summary is what the samples of a case say, in microseconds.
type Summary struct {
	Median float64 `json:"median_us"`
	P10    float64 `json:"p10_us"` // a tenth of the samples were faster
	P90    float64 `json:"p90_us"` // a tenth were slower
}

// Summarize gives the median and the spread of samples. Without any, all are
// zero.
func Summarize(samples []float64) Summary {
	sorted := slices.Sorted(slices.Values(samples))
	return Summary{quantile(sorted, 0.5), quantile(sorted, 0.1), quantile(sorted, 0.9)}
}

// quantile interpolates between the order statistics: q = 0 is the smallest of
// sorted, q = 1 the largest (definition 7 of Hyndman and Fan, 1996).
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	i := int(math.Floor(at))
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
