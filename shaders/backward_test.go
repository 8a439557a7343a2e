package shaders

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestBackTile holds every tile to 256 invocations and 16 KiB, and its numbers to each
// other; it counts the workgroup memory that the sources declare.
func TestBackTile(t *testing.T) {
	for states := 1; states <= 256; states++ {
		tile := newBackTile(states)
		cells := tile
		cells.Cells = true
		complex, modulated := complexBackwardVariant{backTile: tile}, modulatedBackwardVariant{backTile: cells}
		assert.Equal(t, 256, tile.Lanes*tile.Channels, "d_state %d", states)
		assert.GreaterOrEqual(t, tile.Lanes*tile.PerLane(), states)
		assert.LessOrEqual(t, tile.PerLane(), 8)
		assert.LessOrEqual(t, tile.Outputs(), 256)
		assert.Equal(t, 256, tile.Outputs()*tile.Parts())
		assert.Equal(t, tile.Channels, tile.Parts()*tile.Terms())
		assert.LessOrEqual(t, max(complex.Memory(), modulated.Memory()), 16<<10)
		if states%37 == 1 || states%64 == 0 {
			assert.Equal(t, complex.Memory(), declared(t, "selective_scan_complex_backward", complex))
			assert.Equal(t, modulated.Memory(), declared(t, "modulated_scan_backward", modulated))
		}
	}
}

// TestBackPlan: the parts of scratch do not overlap, all channels and steps have their
// place, and fewer workgroups share the channels where a binding is small.
func TestBackPlan(t *testing.T) {
	for _, p := range []backParams{
		{1, 1, 1, 0}, {3, 7, 33, 2}, {8, 1024, 1024, 1}, {1, 100_000, 1536, 2}, {64, 512, 2048, 1},
	} {
		for _, states := range []int{1, 16, 64, 256} {
			tile := newBackTile(states)
			b := tile.plan(p, 1<<30)
			name := fmt.Sprint(p, states)
			assert.GreaterOrEqual(t, b.chunks*b.steps, p.length, name)
			assert.Less(t, (b.chunks-1)*b.steps, p.length, name)
			assert.Zero(t, b.steps%tile.Lanes, name)
			assert.GreaterOrEqual(t, b.groups*tile.Channels, p.channels, name)
			assert.Equal(t, p.batch*p.channels*2*states, b.walk, name)
			assert.Equal(t, p.batch*b.side*(b.chunks+b.steps)*256*2*tile.PerLane(), b.sums-b.walk, name)
			assert.Equal(t, p.batch*b.side*p.length*4*states, b.a-b.sums, name)
			assert.Equal(t, p.batch*p.channels*(2*states+p.rest), b.words-b.a, name)
			small := tile.plan(p, b.words-1)
			assert.Equal(t, max(b.side-1, 1), small.side, name)
		}
	}
	tile := newBackTile(16)
	tokens := 8 * 1024 * 1024
	assert.Less(t, tile.plan(backParams{8, 1024, 1024, 1}, 1<<30).words, 5*tokens, "O(B L E): four numbers a token and channel")
	assert.Less(t, tile.plan(backParams{1, 8 * 1024 * 1024 / 64, 64, 1}, 1<<30).words, 5*tokens)
}
