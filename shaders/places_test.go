package shaders

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEmbeddingPlacesByHand(t *testing.T) {
	ids := make([]uint32, 2*PieceTokens+4) // twos, but for three
	for i := range ids {
		ids[i] = 2
	}
	ids[0], ids[5], ids[7] = 9, 1, 9
	p := EmbeddingPlaces(ids)
	require.Len(t, p, EmbeddingPlacesWords(len(ids)))
	l := placesOf(len(ids))
	assert.Equal(t, []uint32{5, 3, 1, 0}, p[:placesHeader])
	order := p[l.order():l.pieces()]
	assert.Equal(t, []uint32{5, 1, 2, 3, 4, 6, 8, 9}, order[:8])
	assert.Equal(t, []uint32{67, 0, 7}, order[65:])
	assert.Equal(t, []uint32{
		1, 32, 2, 33, 32, 2, 65, 1, 2, // the pieces of the frequent one
		0, 1, 1, 66, 2, 9,
	}, p[l.pieces():][:15])
	assert.Equal(t, []uint32{0, 3, 2, 0, 0, 0}, p[l.sums():])
}

// TestEmbeddingPlaces checks that every token is in one piece, that pieces and sums have
// the room that the layout gives them, and that EachToken goes through all of them.
func TestEmbeddingPlaces(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		ids := make([]uint32, rng.IntN(400))
		kinds := 1 + rng.IntN(12)
		for i := range ids {
			ids[i] = uint32(rng.IntN(1 + rng.IntN(kinds)))
		}
		p, l := EmbeddingPlaces(ids), placesOf(len(ids))
		require.Len(t, p, EmbeddingPlacesWords(len(ids)))
		assert.LessOrEqual(t, int(p[0]), len(ids))
		assert.LessOrEqual(t, int(p[1]), l.maxPartial())
		assert.LessOrEqual(t, int(p[2]), l.maxSums())
		for i := range int(p[0]) {
			assert.LessOrEqual(t, int(p[l.pieces()+3*i+1]), PieceTokens)
		}
		next := 0
		for i := range int(p[2]) { // sums cover the partial pieces
			assert.EqualValues(t, next, p[l.sums()+3*i])
			next += int(p[l.sums()+3*i+1])
		}
		assert.EqualValues(t, p[1], next)
		seen, of := make([]bool, len(ids)), map[uint32]bool{}
		EachToken(p, len(ids), func(id uint32, places []uint32) {
			require.False(t, of[id], "an id comes once")
			of[id] = true
			for i, at := range places {
				require.Equal(t, id, ids[at])
				require.False(t, seen[at])
				require.True(t, i == 0 || places[i-1] < at, "ascending")
				seen[at] = true
			}
		})
		require.NotContains(t, seen, false)
	}
}
