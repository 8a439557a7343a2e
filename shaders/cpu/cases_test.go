package cpu_test

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/stretchr/testify/require"
)

// TestSameBitsOnAnyNumberOfCPUs runs every case on one CPU and on several.
func TestSameBitsOnAnyNumberOfCPUs(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range cases.All() {
		runtime.GOMAXPROCS(1)
		one := c.RunTwin()
		runtime.GOMAXPROCS(7)
		seven := c.RunTwin()
		for i := range one {
			require.Equal(t, one[i].U32, seven[i].U32, "%s: %s", c, one[i].Name)
			same := slices.EqualFunc(one[i].F32, seven[i].F32, sameBits)
			require.True(t, same, "%s: %s", c, one[i].Name)
		}
	}
}

func sameBits(x, y float32) bool {
	return math.Float32bits(x) == math.Float32bits(y)
}
