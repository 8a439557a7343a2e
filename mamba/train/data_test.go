package train

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mambagpu/mambagpu/mamba/tokenizer"
)

// counting is the tokens 0 to n-1.
func counting(n int) []uint32 {
	tokens := make([]uint32, n)
	for i := range tokens {
		tokens[i] = uint32(i)
	}
	return tokens
}

// The first numbers of SplitMix64 with seed 1234567, as its authors' program gives
// them (https://prng.di.unimi.it/splitmix64.c).
func TestSplitMix(t *testing.T) {
	for k, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		require.Equal(t, want, splitMix(1234567, uint64(k)))
	}
}

// A batch is its windows by number, however they are cut into batches.
func TestWindowsByNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Windows{Tokens: counting(rapid.IntRange(6, 99).Draw(t, "tokens")), SeqLen: 5, Seed: rapid.Uint64().Draw(t, "seed")}
		k := rapid.Uint64Range(0, 1<<40).Draw(t, "k")
		all := w.Batch(k, 4).IDs
		require.Len(t, all, 4*6)
		require.Equal(t, all, append(w.Batch(k, 1).IDs, w.Batch(k+1, 3).IDs...))
		for i := range uint64(4) {
			start := w.Start(k + i)
			require.LessOrEqual(t, start+6, len(w.Tokens))
			require.Equal(t, w.Tokens[start:start+6], all[6*i:6*i+6])
		}
	})
}

// Every place of the text comes as often as another: the chi-squared statistic of 99
// degrees of freedom is below 149 with a probability of 99.9%.
func TestWindowsAreUniform(t *testing.T) {
	const places, draws = 100, 50_000
	for seed := range uint64(3) {
		w := Windows{Tokens: counting(places + 7), SeqLen: 7, Seed: seed}
		counts := make([]float64, places)
		for k := range uint64(draws) {
			counts[w.Start(k)]++
		}
		sum := 0.0
		for _, n := range counts {
			sum += (n - draws/places) * (n - draws/places) / (draws / places)
		}
		require.Less(t, sum, 149.0, "seed %d", seed)
	}
	a := Windows{Tokens: counting(1000), SeqLen: 1, Seed: 1}
	b := Windows{Tokens: counting(1000), SeqLen: 1, Seed: 2}
	require.NotEqual(t, a.Batch(0, 8), b.Batch(0, 8))
}

// Noise replaces the share of inputs it says, by tokens as frequent as in the text, and
// leaves IDs alone.
func TestNoise(t *testing.T) {
	text := make([]uint32, 2000) // three of four tokens are 7
	for i := range text {
		text[i] = 7
		if i%4 == 0 {
			text[i] = uint32(100 + i)
		}
	}
	plain := Windows{Tokens: text, SeqLen: 50, Seed: 3}
	noisy := plain
	noisy.Noise = 0.25
	a, b := plain.Batch(4, 400), noisy.Batch(4, 400)
	require.Nil(t, a.Inputs)
	require.Equal(t, a.IDs, b.IDs)
	require.Len(t, b.Inputs, 400*50)
	changed, sevens, rare := 0, 0, 0
	for i, id := range b.Inputs {
		was := b.IDs[i/50*51+i%50]
		if was != 7 {
			rare++
			if id != was {
				changed++
			}
			if id == 7 {
				sevens++
			}
		}
	}
	require.InDelta(t, 0.25, float64(changed)/float64(rare), 0.02)
	require.InDelta(t, 0.75*0.25, float64(sevens)/float64(rare), 0.02)
	require.Equal(t, b.Inputs[50:], noisy.Batch(5, 399).Inputs)
	noisy.Seed++
	require.NotEqual(t, b.Inputs, noisy.Batch(4, 400).Inputs)
}

func TestValidationBatches(t *testing.T) {
	b := ValidationBatches(counting(18), 5, 2, 0)
	require.Equal(t, []Batch{
		{IDs: []uint32{0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10}},
		{IDs: []uint32{10, 11, 12, 13, 14, 15}},
	}, b)
	require.Equal(t, b[:1], ValidationBatches(counting(18), 5, 2, 14))
	require.Len(t, ValidationBatches(counting(16), 5, 2, 0), 2)
	require.Len(t, ValidationBatches(counting(15), 5, 2, 0), 1)
	require.Empty(t, ValidationBatches(counting(5), 5, 2, 0))
}

func TestTokenize(t *testing.T) {
	tok, err := tokenizer.Load("../../testdata/tokenizer-training/tokenizer.json")
	require.NoError(t, err)
	a, b := tok.Encode("It was so.")[0], tok.Encode("The whale")[0]
	got := Tokenize(tok, "It was so.<|endoftext|>", "The whale", "It")
	require.Equal(t, uint32(a), got[0])
	ends := 0
	for i, id := range got {
		if id == 0 {
			ends++
			require.Contains(t, []uint32{uint32(a), uint32(b)}, got[i+1])
		}
	}
	require.Equal(t, 2, ends)
	require.Empty(t, Tokenize(tok))
}

func TestCheckTokens(t *testing.T) {
	require.NoError(t, checkTokens(trainingText, counting(6), 5, 6))
	err := checkTokens(trainingText, counting(5), 5, 6)
	require.EqualError(t, err, "train: training text: got 5 tokens, want 6 or more: one window")
	require.ErrorAs(t, err, new(*DataError))
	require.EqualError(t, checkTokens(validationText, counting(9), 5, 6),
		"train: validation text: got token 6 at place 6, want ids below 6, the model's vocabulary")
}

func TestFingerprint(t *testing.T) {
	require.Empty(t, fingerprint(nil))
	seen := map[string]bool{}
	for _, tokens := range [][]uint32{{0}, {0, 0}, {1, 0}, {0, 1}, {256}} {
		seen[fingerprint(tokens)] = true
	}
	require.Len(t, seen, 5)
	require.Equal(t, "3 tokens, FNV-1a ", fingerprint(counting(3))[:17])
}
