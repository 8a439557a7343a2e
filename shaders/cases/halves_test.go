package cases

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
)

// TestTwinsRoundToHalves: all numbers that lie in halves are such, before a twin and after.
func TestTwinsRoundToHalves(t *testing.T) {
	kernels := map[string]int{}
	for _, c := range All() {
		for i, a := range c.Args() {
			if a.Halves == 0 {
				continue
			}
			after := a
			if a.Out {
				after = c.RunTwin()[i]
				kernels[c.Kernel]++
			}
			for j, v := range after.F32 {
				if v == v && v != Untouched {
					require.Equal(t, shaders.RoundHalf(v), v, "%s: %s[%d]", c, a.Name, j)
				}
			}
			require.Zero(t, len(a.F32)%(2*a.Halves), "%s: %s", c, a.Name)
		}
	}
	for _, name := range []string{"matmul", "causal_conv", "selective_scan", "selective_scan_grouped"} {
		require.Positive(t, kernels[name], name)
	}
}
