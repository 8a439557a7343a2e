package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestDot2 checks that a row gets the same bits alone and in a pair, and that
// the sum is right for every remainder modulo 4: small integers add exactly.
func TestDot2(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(0, 21).Draw(t, "k")
		small := rapid.SliceOfN(rapid.IntRange(-9, 9), 3*k, 3*k).Draw(t, "values")
		w, x, y := make([]float32, k), make([]float64, k), make([]float64, k)
		var wantX, wantY float64
		for i := range k {
			w[i], x[i], y[i] = float32(small[i]), float64(small[k+i]), float64(small[2*k+i])
			wantX += float64(w[i]) * x[i]
			wantY += float64(w[i]) * y[i]
		}
		gotX, gotY := dot2(w, x, y)
		require.Equal(t, wantX, gotX)
		require.Equal(t, wantY, gotY)

		for i := range k { // now with rounding
			x[i], y[i] = x[i]/3, y[i]/7
		}
		gotX, gotY = dot2(w, x, y)
		require.Equal(t, dot(w, x), gotX)
		require.Equal(t, dot(w, y), gotY)
	})
}
