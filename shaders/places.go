package shaders

import "slices"

// PieceTokens is the most rows of one token that embedding_backward sums one after the
// other.
const PieceTokens = 32

// EmbeddingPlaces lists where each token occurs among ids, for
// [Kernels.EmbeddingBackward]. Its size, EmbeddingPlacesWords(len(ids)), depends on
// the number of ids alone:
//
//	pieces, partial pieces, sums, 0            how many there are
//	(len(ids))                                 places, by id and then ascending
//	(len(ids), 3)        first, count, id      pieces: runs of at most PieceTokens places
//	(len(ids)/33, 3)     first, count, id      sums: runs of pieces of one token
//
// Pieces of tokens that have several are partial; they come first, and the sums are
// runs of them. What is past the numbers of pieces and sums is 0.
func EmbeddingPlaces(ids []uint32) []uint32 {
	l := placesOf(len(ids))
	words := make([]uint32, l.words())
	order := words[l.order():l.pieces()]
	l.sort(order, ids)
	header, pieces, sums := words[:placesHeader], words[l.pieces():l.pieces()], words[l.sums():l.sums()]
	runs(order, ids, func(first, count int) {
		if count <= PieceTokens {
			return
		}
		id, partial := ids[order[first]], len(pieces)/3
		for n := 0; n < count; n += PieceTokens {
			pieces = append(pieces, uint32(first+n), uint32(min(PieceTokens, count-n)), id)
		}
		sums = append(sums, uint32(partial), uint32(len(pieces)/3-partial), id)
	})
	header[1], header[2] = uint32(len(pieces)/3), uint32(len(sums)/3)
	runs(order, ids, func(first, count int) {
		if count <= PieceTokens {
			pieces = append(pieces, uint32(first), uint32(count), ids[order[first]])
		}
	})
	header[0] = uint32(len(pieces) / 3)
	return words
}

// EmbeddingPlacesWords is the number of words of EmbeddingPlaces of so many ids.
func EmbeddingPlacesWords(tokens int) int { return placesOf(tokens).words() }

// placesHeader is the number of words before the places.
const placesHeader = 4

// maxPlaces bounds the number of ids, so that their places have 32-bit indices.
const maxPlaces = 1 << 28

// placesOf is the layout of the places of so many ids.
type placesOf int

func (n placesOf) order() int  { return placesHeader }
func (n placesOf) pieces() int { return n.order() + int(n) }
func (n placesOf) sums() int   { return n.pieces() + 3*int(n) }
func (n placesOf) words() int  { return n.sums() + 3*n.maxSums() }

// maxSums is the most tokens that can have several pieces.
func (n placesOf) maxSums() int { return int(n) / (PieceTokens + 1) }

// maxPartial is the most pieces of tokens that have several: no run has more for its
// length than the shortest, of PieceTokens+1 places, which has two.
func (n placesOf) maxPartial() int { return 2 * int(n) / (PieceTokens + 1) }

// sort fills order with the places of ids, by id and then ascending.
func (n placesOf) sort(order, ids []uint32) {
	keys := make([]uint64, len(ids))
	for i, id := range ids {
		keys[i] = uint64(id)<<32 | uint64(i)
	}
	slices.Sort(keys)
	for i, k := range keys {
		order[i] = uint32(k)
	}
}

// runs calls body for each run of places of the same id.
func runs(order, ids []uint32, body func(first, count int)) {
	for first := 0; first < len(order); {
		end := first + 1
		for end < len(order) && ids[order[end]] == ids[order[first]] {
			end++
		}
		body(first, end-first)
		first = end
	}
}

// EachToken calls body once for each id that occurs, given the places of so many ids:
// with the id and its places, ascending.
func EachToken(places []uint32, tokens int, body func(id uint32, places []uint32)) {
	l := placesOf(tokens)
	order, pieces := places[l.order():l.pieces()], places[l.pieces():][:3*places[0]]
	for len(pieces) > 0 {
		first, count, id := pieces[0], pieces[1], pieces[2]
		for pieces = pieces[3:]; len(pieces) > 0 && pieces[2] == id; pieces = pieces[3:] {
			count += pieces[1]
		}
		body(id, order[first:first+count])
	}
}
