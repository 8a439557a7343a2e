package shaders_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders/cases"
)

// TestScanBackwardSameBits runs a case with several chunks and groups of channels twice:
// no sum depends on what happened to come first.
func TestScanBackwardSameBits(t *testing.T) {
	k := open(t, nil)
	for _, c := range cases.Of("selective_scan_backward") {
		if c.Name != "1000 tokens" {
			continue
		}
		one, err := c.RunGPU(k)
		require.NoError(t, err)
		two, err := c.RunGPU(k)
		require.NoError(t, err)
		for i, a := range one {
			for j, v := range a.F32 {
				require.Equal(t, math.Float32bits(v), math.Float32bits(two[i].F32[j]), "%s[%d]", a.Name, j)
			}
		}
		return
	}
	assert.Fail(t, "no such case")
}
