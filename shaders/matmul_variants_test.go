package shaders_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// TestMatmulVariants forces every tile, with whole and with split sums, each on the
// cases of one storage type, and on some with operands that lie otherwise, in turn
// aligned and not: compiling all of each for all types takes lavapipe minutes, and
// how weights are unpacked does not depend on the tile.
func TestMatmulVariants(t *testing.T) {
	k := open(t, nil)
	limits := k.Device().Limits()
	var names []string
	for _, c := range cases.Of("matmul") {
		for _, name := range shaders.Variants("matmul_split", c.Params, limits, wgpu.Discrete) {
			if _, parts, split := strings.Cut(name, "/k"); (!split || parts == "2") && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	require.Greater(t, len(names), 4)
	types := []shaders.DType{shaders.F32, shaders.F16, shaders.BF16, shaders.Q8, shaders.Q4}
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			k.Tune(shaders.Tuning{"matmul_split": name})
			ran := 0
			for _, c := range cases.Of("matmul") {
				p := c.Params.(shaders.MatmulParams)
				usual := !p.TransA && p.LDW == 0 && p.Weights == types[i%5]
				if !usual && !strings.HasSuffix(c.Name, []string{"gap 16, offset 400", "gap 3, offset 201"}[i%2]) {
					continue
				}
				if !slices.Contains(shaders.Variants("matmul_split", p, limits, wgpu.Discrete), name) {
					continue
				}
				got, err := c.RunGPUBy(k, func(b []*wgpu.Buffer) ([]*wgpu.Dispatch, error) { return split(t, k, p, b) })
				require.NoError(t, err, c)
				assert.NoError(t, cases.Compare(c, got, c.RunTwin()))
				ran++
			}
			assert.Positive(t, ran)
		})
	}
}

// split prepares a product whose sums may be split.
func split(t *testing.T, k *shaders.Kernels, p shaders.MatmulParams, b []*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	var scratch *wgpu.Buffer
	if n := k.MatmulScratch(p); n > 0 {
		var err error
		scratch, err = k.Device().NewBuffer("scratch", 4*uint64(n))
		require.NoError(t, err)
		t.Cleanup(func() { scratch.Close() })
	}
	return k.MatmulSplit(p, b[0], b[1], b[2], scratch, b[3])
}
