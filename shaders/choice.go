package shaders

import (
	"math"

	"github.com/mambagpu/mambagpu/wgpu"
)

// ChoiceParams are the sizes of choosing a token of each row of logits x (rows,
// Stride), of which the first Width stand for tokens. Several kernels take part:
//
//	greedy    Peaks, Choose
//	drawn     Peaks, Gumbel, Choose of Gumbel's scores
//	cut       Peaks, Histogram, Cut, Gumbel, Choose: with top k and top p
//
// ChooseEmbed in the place of Choose has the tokens' embeddings ready for the next step.
//
// draws (Rows, DrawWords) says how: see [Draw]. seen holds a bit for each token of
// a row's sequence, ceil(Width/32) words a row, for the repetition penalty. The
// last kernel leaves the tokens in ids (Rows), for the next step to read, and in
// row place % Ring of chosen (Ring, Rows), counts places and marks the tokens as
// seen; of a row with logits that are not finite the token is Width.
type ChoiceParams struct {
	Rows    int
	Width   int
	Stride  int
	Ring    int
	Penalty bool // logits of tokens seen are penalised
}

// Draw is how a row's token is chosen. Nothing but Raise and Lower matters to a
// greedy choice, and these only with a penalty.
type Draw struct {
	Place     uint32  // in the sequence, which draws differ by
	Seed      uint64  // which draws differ by
	TopK      uint32  // 0 for all
	Steepness float32 // 2/temperature
	TopP      float32 // 1 for all
	Reach     float32 // in temperatures: how far below the best a token may be
	Raise     float32 // factor of negative logits of tokens seen
	Lower     float32 // factor of positive ones
}

// DrawWords is the number of words that a Draw takes on a device, what Cut leaves
// included.
const DrawWords = 12

// MaxReach is the greatest Draw.Reach that makes a difference: a draw's noise
// spans less, so that no token further below the best is ever drawn.
const MaxReach = 32

// Words are the draw as kernels read it.
func (d Draw) Words() [DrawWords]uint32 {
	f := math.Float32bits
	return [DrawWords]uint32{
		d.Place, uint32(d.Seed), uint32(d.Seed >> 32), d.TopK,
		f(d.Steepness), f(d.TopP), f(d.Reach), f(d.Raise), f(d.Lower),
	}
}

// DrawOf is the draw of such words.
func DrawOf(w []uint32) Draw {
	f := math.Float32frombits
	return Draw{w[0], uint64(w[2])<<32 | uint64(w[1]), w[3], f(w[4]), f(w[5]), f(w[6]), f(w[7]), f(w[8])}
}

// sliceWidth is the number of logits that a workgroup looks at.
const sliceWidth = 1024

// HistogramBins is the number of a row's bins, of tokens and of their
// probability.
const HistogramBins = 1024

// Slices is the number of slices of a row.
func (p ChoiceParams) Slices() int { return ceilDiv(p.Width, sliceWidth) }

// Best is the number of elements of the best of each slice.
func (p ChoiceParams) Best() int { return p.Rows * 3 * p.Slices() }

// Seen is the number of words of the tokens seen.
func (p ChoiceParams) Seen() int { return p.Rows * ceilDiv(p.Width, 32) }

// Bins is the number of words of the histograms.
func (p ChoiceParams) Bins() int { return p.Rows * 2 * HistogramBins }

// maxExact bounds places, which lie among floats.
const maxExact = 1 << 24

// choice makes the dispatch of a kernel of a choice.
func (k *Kernels) choice(kernel string, p ChoiceParams, grid [3]uint32, buffers []choiceBuffer) (*wgpu.Dispatch, error) {
	return k.choiceOf(kernel, choiceVariant{p.Penalty}, uniform(p.Rows, p.Width, p.Stride, p.Ring), p, grid, buffers)
}

// choiceOf is choice of a variant and parameters of its own.
func (k *Kernels) choiceOf(kernel string, variant any, params []byte, p ChoiceParams, grid [3]uint32, buffers []choiceBuffer) (*wgpu.Dispatch, error) {
	c := check{kernel: kernel}
	c.size("Rows", p.Rows, 1, maxAxis)
	c.size("Width", p.Width, 1, min(p.Stride, maxExact))
	c.size("Ring", p.Ring, 1, maxElements)
	bound := make([]*wgpu.Buffer, len(buffers))
	for i, b := range buffers {
		c.words(b.name, size(b.buffer), b.words)
		bound[i] = b.buffer
	}
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch(kernel, variant, params, grid, bound...)
}

type choiceVariant struct{ Penalty bool }

// choiceBuffer is a buffer that has to hold so many words.
type choiceBuffer struct {
	name   string
	buffer *wgpu.Buffer
	words  int
}

func (p ChoiceParams) logits(x *wgpu.Buffer) choiceBuffer {
	return choiceBuffer{"x", x, (p.Rows-1)*p.Stride + p.Width}
}

func (p ChoiceParams) best(b *wgpu.Buffer) choiceBuffer { return choiceBuffer{"best", b, p.Best()} }

func (p ChoiceParams) draws(b *wgpu.Buffer) choiceBuffer {
	return choiceBuffer{"draws", b, p.Rows * DrawWords}
}

// seen may be of any size where nothing is penalised.
func (p ChoiceParams) seen(b *wgpu.Buffer) choiceBuffer {
	if !p.Penalty {
		return choiceBuffer{"seen", b, 1}
	}
	return choiceBuffer{"seen", b, p.Seen()}
}

func (p ChoiceParams) chosen(b *wgpu.Buffer) choiceBuffer {
	return choiceBuffer{"chosen", b, p.Ring * p.Rows}
}

func (p ChoiceParams) ids(b *wgpu.Buffer) choiceBuffer { return choiceBuffer{"ids", b, p.Rows} }

// sliceGrid is a workgroup for each slice, rowGrid one for each row.
func (p ChoiceParams) sliceGrid() [3]uint32 {
	return [3]uint32{uint32(p.Slices()), uint32(p.Rows), 1}
}

func (p ChoiceParams) rowGrid() [3]uint32 { return [3]uint32{uint32(p.Rows), 1, 1} }
