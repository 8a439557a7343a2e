package shaders

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTile holds every tile to the 16 KiB that all devices have, and counts the
// workgroup memory that the sources declare.
func TestTile(t *testing.T) {
	for states := 1; states <= 256; states++ {
		modulated := ModulatedScanParams{States: states}.variant()
		complex := ComplexScanParams{States: states}.variant()
		packed := ModulatedScanParams{States: states, Packing: Packing{Packed: true}}.variant()
		general := ComplexScanParams{States: states, Modulated: true, Packing: Packing{Packed: true}}.variant()
		tiled := SelectiveScanParams{States: states}.tiledVariant()
		for _, bytes := range []int{modulated.Memory, complex.Memory, tiled.Memory, packed.Memory, general.Memory} {
			assert.LessOrEqual(t, bytes, 16<<10, "d_state %d", states)
		}
		assert.GreaterOrEqual(t, modulated.PerLane*8, states)
		assert.GreaterOrEqual(t, modulated.Loads()*128, modulated.Cells())
		if states%37 == 1 || states%64 == 0 {
			assert.Equal(t, modulated.Memory, declared(t, "modulated_scan", modulated), "d_state %d", states)
			assert.Equal(t, complex.Memory, declared(t, "selective_scan_complex", complex), "d_state %d", states)
			assert.Equal(t, packed.Memory, declared(t, "modulated_scan", packed), "d_state %d", states)
			assert.Equal(t, general.Memory, declared(t, "selective_scan_complex", general), "d_state %d", states)
			assert.Equal(t, tiled.Memory, declared(t, "selective_scan_tiled", tiled), "d_state %d", states)
		}
	}
	for states, want := range map[int]tile{
		16:  {States: 16, PerLane: 2, Row: 16, Steps: 8, Runs: 2, Buffers: 2, Staged: true, Memory: 11264},
		64:  {States: 64, PerLane: 8, Row: 64, Steps: 4, Runs: 1, Buffers: 2, Staged: true, Memory: 11776},
		128: {States: 128, PerLane: 16, Row: 128, Steps: 4, Runs: 1, Buffers: 1, Staged: true, Memory: 11008},
		208: {States: 208, PerLane: 26, Row: 208, Steps: 4, Runs: 1, Buffers: 1, Staged: true, Memory: 16128},
		256: {States: 256, PerLane: 32, Row: 256, Steps: 4, Runs: 1, Buffers: 2, Memory: 3584},
	} {
		assert.Equal(t, want, complexTile(states, 3, false, false))
	}
	assert.Equal(t, 16, SelectiveScanParams{States: 16}.tiledVariant().Steps)
	assert.True(t, complexTile(168, 2, true, true).Staged)
	assert.False(t, complexTile(169, 2, true, true).Staged)
}
