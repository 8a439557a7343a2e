package shaders

import (
	"cmp"

	"github.com/mambagpu/mambagpu/wgpu"
)

// EmbeddingBackwardParams are the sizes of the gradient of [Kernels.Embedding]:
//
//	dtable[ids[t]-FirstRow] += dx[t]   for ids[t] in [FirstRow, FirstRow+Rows)
//
// A gradient held in several buffers takes one call a buffer.
type EmbeddingBackwardParams struct {
	Tokens   int // number of ids
	Width    int // d_model
	FirstRow int // vocabulary row that dtable starts with
	Rows     int // rows of dtable
	Stride   int // elements from one row of dtable to the next; 0: Width
}

// stride is Stride, or what it is by default.
func (p EmbeddingBackwardParams) stride() int { return cmp.Or(p.Stride, p.Width) }

// embeddingVariant is what changes the code of embedding_backward.
type embeddingVariant struct {
	Vec     bool // rows are whole vectors
	Partial bool // tokens may have several pieces
	Sums    bool // the sums of pieces, not the pieces
}

// EmbeddingBackward dispatches the addition of the rows of dx (Tokens, Width), the
// gradient of what was looked up, to those of dtable (Rows, Width). places
// (EmbeddingPlacesWords) are those of the ids, of [EmbeddingPlaces]. scratch has
// EmbeddingBackwardScratch(p) words.
//
// The first dispatch sums pieces of up to PieceTokens rows of the same token, and adds
// the sum to dtable if it is the token's only one. The second adds up the others.
func (k *Kernels) EmbeddingBackward(p EmbeddingBackwardParams, places, dx, scratch, dtable *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	l := placesOf(p.Tokens)
	c := check{kernel: "embedding_backward"}
	c.size("Tokens", p.Tokens, 1, maxPlaces)
	c.size("Width", p.Width, 1, maxElements)
	c.size("FirstRow", p.FirstRow, 0, maxElements)
	c.size("Rows", p.Rows, 1, maxElements)
	c.words("places", size(places), l.words())
	c.words("dx", size(dx), p.Tokens*p.Width)
	c.words("scratch", size(scratch), l.maxPartial()*p.Width)
	c.size("Stride", p.stride(), p.Width, maxElements)
	c.words("dtable", size(dtable), (p.Rows-1)*p.stride()+p.Width)
	if c.err != nil {
		return nil, c.err
	}
	v := embeddingVariant{Vec: p.Width%4 == 0 && p.stride()%4 == 0, Partial: l.maxSums() > 0}
	buffers := []*wgpu.Buffer{places, dx, dtable}
	if v.Partial {
		buffers = append(buffers, scratch)
	}
	pieces, err := k.dispatch(c.kernel, v, p.uniform(l.pieces()), p.grid(min(p.Tokens, p.Rows+l.maxPartial())), buffers...)
	if err != nil || !v.Partial {
		return []*wgpu.Dispatch{pieces}, err
	}
	v.Sums = true
	sums, err := k.dispatch(c.kernel, v, p.uniform(l.sums()), p.grid(l.maxSums()), places, scratch, dtable)
	if err != nil {
		pieces.Close()
		return nil, err
	}
	return []*wgpu.Dispatch{pieces, sums}, nil
}

// EmbeddingBackwardScratch is the number of words of scratch that EmbeddingBackward
// needs, none where the tokens are few.
func (k *Kernels) EmbeddingBackwardScratch(p EmbeddingBackwardParams) int {
	return placesOf(p.Tokens).maxPartial() * p.Width
}

// uniform is the sizes and the word of places where the entries start.
func (p EmbeddingBackwardParams) uniform(entries int) []byte {
	return uniform(p.Width, p.FirstRow, p.Rows, entries, p.stride())
}

// grid is that of so many entries of the list; workgroups go on to others where there
// are more.
func (p EmbeddingBackwardParams) grid(entries int) [3]uint32 {
	return [3]uint32{uint32(ceilDiv(p.Width, 256)), uint32(min(entries, maxAxis)), 1}
}
