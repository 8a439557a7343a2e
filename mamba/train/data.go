package train

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/bits"
	"slices"

	"github.com/mambagpu/mambagpu/mamba/tokenizer"
)

// Tokenize turns texts into the tokens of one long text. <|endoftext|> is a token
// where it is written, and stands between the texts if the tokenizer has it.
func Tokenize(tok *tokenizer.Tokenizer, texts ...string) []uint32 {
	var out []uint32
	end, ok := tok.EndOfText()
	for i, text := range texts {
		if i > 0 && ok && (len(out) == 0 || out[len(out)-1] != uint32(end)) {
			out = append(out, uint32(end))
		}
		for _, id := range tok.Encode(text) {
			out = append(out, uint32(id))
		}
	}
	return out
}

// Windows draws what a model learns from: windows of SeqLen+1 tokens that begin
// anywhere in a text, each place as likely as another. Which window the k-th one is
// depends on the seed and k alone, so that k is all there is to remember of how far
// a training has come.
type Windows struct {
	Tokens []uint32
	SeqLen int // tokens that a window predicts
	Seed   uint64
	// Noise is the share of a window's inputs in whose place others stand, each from
	// a random place of the text, so that a token comes as often as in the text: the
	// unigram noising of Xie et al., arXiv 1703.02573. It keeps a model from learning
	// a small text by heart.
	Noise float64
}

// Start is the place in the text where window k begins.
func (w Windows) Start(k uint64) int {
	places := uint64(len(w.Tokens) - w.SeqLen) // SeqLen+1 tokens fit that often
	hi, _ := bits.Mul64(splitMix(splitMix(w.Seed, 0), k), places)
	return int(hi)
}

// Batch is the windows from k on, one a row.
func (w Windows) Batch(k uint64, rows int) Batch {
	ids := make([]uint32, 0, rows*(w.SeqLen+1))
	for i := range uint64(rows) {
		start := w.Start(k + i)
		ids = append(ids, w.Tokens[start:start+w.SeqLen+1]...)
	}
	if w.Noise == 0 {
		return Batch{IDs: ids}
	}
	inputs := make([]uint32, 0, rows*w.SeqLen)
	for i := range rows {
		inputs = append(inputs, w.noised(k+uint64(i), ids[i*(w.SeqLen+1):][:w.SeqLen])...)
	}
	return Batch{IDs: ids, Inputs: inputs}
}

// noised is the inputs of window k, some replaced, which depends on the seed and k
// alone.
func (w Windows) noised(k uint64, inputs []uint32) []uint32 {
	seed := splitMix(splitMix(w.Seed, 1), k)
	out := slices.Clone(inputs)
	for i := range out {
		if float64(splitMix(seed, uint64(2*i))>>11)*0x1p-53 < w.Noise {
			place, _ := bits.Mul64(splitMix(seed, uint64(2*i+1)), uint64(len(w.Tokens)))
			out[i] = w.Tokens[place]
		}
	}
	return out
}

// splitMix is number k of the generator SplitMix64 (Steele, Lea and Flood, Fast
// Splittable Pseudorandom Number Generators, 2014), which counts: its k-th number
// needs none of those before.
func splitMix(seed, k uint64) uint64 {
	z := seed + (k+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// ValidationBatches cuts a text into windows that predict seqLen tokens each and lie
// end to end: the last token that one predicts is the first of the next. They come
// in batches of so many rows, the last one perhaps fewer. most bounds the number of
// tokens predicted; 0 means all. What does not fill a window is left out.
func ValidationBatches(tokens []uint32, seqLen, rows, most int) []Batch {
	windows := (len(tokens) - 1) / seqLen
	if most > 0 {
		windows = min(windows, most/seqLen)
	}
	var out []Batch
	for w := range windows {
		if w%rows == 0 {
			out = append(out, Batch{})
		}
		b := &out[len(out)-1]
		b.IDs = append(b.IDs, tokens[w*seqLen:(w+1)*seqLen+1]...)
	}
	return out
}

// DataError says that a text does not serve for a training.
type DataError struct {
	Text      string // "training text" or "validation text"
	Got, Want string
}

// Error names the text, what it is and what was expected.
func (e *DataError) Error() string {
	return fmt.Sprintf("train: %s: got %s, want %s", e.Text, e.Got, e.Want)
}

// checkTokens refuses a text that is too short for a window or has tokens that the
// model has not.
func checkTokens(text string, tokens []uint32, seqLen, vocab int) error {
	if len(tokens) <= seqLen {
		return &DataError{text, fmt.Sprintf("%d tokens", len(tokens)), fmt.Sprintf("%d or more: one window", seqLen+1)}
	}
	for i, id := range tokens {
		if int(id) >= vocab {
			return &DataError{text, fmt.Sprintf("token %d at place %d", id, i), fmt.Sprintf("ids below %d, the model's vocabulary", vocab)}
		}
	}
	return nil
}

// fingerprint tells texts apart: the number of tokens and a hash of them.
func fingerprint(tokens []uint32) string {
	if len(tokens) == 0 {
		return ""
	}
	h := fnv.New64a()
	var b [4]byte
	for _, id := range tokens {
		binary.LittleEndian.PutUint32(b[:], id)
		h.Write(b[:])
	}
	return fmt.Sprintf("%d tokens, FNV-1a %016x", len(tokens), h.Sum64())
}
