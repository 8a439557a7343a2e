package tokenizer_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mambagpu/mambagpu/mamba/tokenizer"
)

const trainingFolder = "../../testdata/tokenizer-training/"

func sample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(trainingFolder + "sample.txt")
	require.NoError(t, err)
	return string(text)
}

// learn trains on texts.
func learn(t require.TestingT, opts *tokenizer.TrainOptions, texts ...string) []byte {
	data, err := tokenizer.Train(context.Background(), slices.Values(texts), opts)
	require.NoError(t, err)
	return data
}

// The file is Hugging Face's, byte for byte, and the ids of the text are too.
func TestTrainEqualsHuggingFace(t *testing.T) {
	want, err := os.ReadFile(trainingFolder + "tokenizer.json")
	require.NoError(t, err)
	text := sample(t)
	steps := 0
	opts := &tokenizer.TrainOptions{VocabSize: 900, Progress: func(done, total int) {
		steps++
		require.Equal(t, 257+steps, done)
		require.Equal(t, 900, total)
	}}
	got := learn(t, opts, text)
	require.Equal(t, string(want), string(got))
	require.Equal(t, 900-257, steps)

	var ids []int
	readJSON(t, trainingFolder+"ids.json", &ids)
	tok, err := tokenizer.Parse("tokenizer.json", got)
	require.NoError(t, err)
	require.Equal(t, ids, tok.Encode(text))
	end, ok := tok.EndOfText()
	require.True(t, ok)
	require.Zero(t, end)
}

// It matters neither how the text is cut at added tokens nor in what order.
func TestTrainOrder(t *testing.T) {
	text := sample(t)
	opts := &tokenizer.TrainOptions{VocabSize: 400}
	want := learn(t, opts, text)
	parts := strings.Split(text, "<|endoftext|>")
	slices.Reverse(parts)
	require.Equal(t, string(want), string(learn(t, opts, parts...)))
}

func TestTrainSmall(t *testing.T) {
	// "ab" occurs three times, then "ab" and "c" twice; what occurs once is no token
	// unless asked for.
	got := learn(t, &tokenizer.TrainOptions{AddedTokens: []string{"<a>", "<b>"}}, "abc<a>abc ab<b>x")
	tok, err := tokenizer.Parse("", got)
	require.NoError(t, err)
	require.Equal(t, 258+2, tok.VocabSize())
	for id, want := range map[int]string{0: "<a>", 1: "<b>", 2: "!", 258: "ab", 259: "abc"} {
		piece, err := tok.Piece(id)
		require.NoError(t, err)
		require.Equal(t, want, piece)
	}
	require.True(t, tok.IsSpecial(1))

	tok, err = tokenizer.Parse("", learn(t, &tokenizer.TrainOptions{MinCount: 1}, "abc abc ab"))
	require.NoError(t, err)
	_, ok := tok.ID("Ġabc")
	require.True(t, ok)

	none, err := tokenizer.Parse("", learn(t, nil))
	require.NoError(t, err)
	require.Equal(t, 257, none.VocabSize())
}

// What was learnt from a text gives it back.
func TestTrainRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab \n]{0,80}`).Draw(t, "text")
		size := rapid.IntRange(257, 300).Draw(t, "size")
		tok, err := tokenizer.Parse("", learn(t, &tokenizer.TrainOptions{VocabSize: size, MinCount: 1}, text))
		require.NoError(t, err)
		require.LessOrEqual(t, tok.VocabSize(), size)
		back, err := tok.Decode(tok.Encode(text))
		require.NoError(t, err)
		require.Equal(t, text, back)
	})
}

func TestTrainErrors(t *testing.T) {
	for option, opts := range map[string]tokenizer.TrainOptions{
		"VocabSize":            {VocabSize: 256},
		"MinCount":             {MinCount: -1},
		"\"\"":                 {AddedTokens: []string{""}},
		"twice":                {AddedTokens: []string{"<a>", "<a>"}},
		"stands for a byte":    {AddedTokens: []string{"Ġ"}},
		"257 to 2147483646":    {VocabSize: -5},
		"got \"\\xff\", want ": {AddedTokens: []string{"\xff"}},
	} {
		_, err := tokenizer.Train(context.Background(), slices.Values([]string{"a"}), &opts)
		require.ErrorAs(t, err, new(*tokenizer.TrainError), option)
		require.ErrorContains(t, err, option)
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	_, err := tokenizer.Train(stopped, slices.Values([]string{"a"}), nil)
	require.ErrorIs(t, err, context.Canceled)
}
