package tokenizer_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/tokenizer"
)

const referencePath = "../../testdata/reference-lm/tokenizer.json"

// reference is the tokenizer of the reference model.
func reference(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Load(referencePath)
	require.NoError(t, err)
	return tok
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, v))
}

// streamed returns what a Decoder makes of ids.
func streamed(t testing.TB, tok *tokenizer.Tokenizer, ids []int) string {
	t.Helper()
	d := tok.NewDecoder()
	var text string
	for _, id := range ids {
		piece, err := d.Write(id)
		require.NoError(t, err)
		text += piece
	}
	return text + d.Flush()
}

// The cases hold what Hugging Face's own tokenizers give.
func TestHuggingFaceCases(t *testing.T) {
	var cases []struct {
		Text, Decoded string
		IDs           []int
	}
	readJSON(t, "../../testdata/tokenizer_cases.json", &cases)
	require.Len(t, cases, 300)
	tok := reference(t)
	for _, c := range cases {
		require.Equal(t, c.IDs, tok.Encode(c.Text), "%q", c.Text)
		text, err := tok.Decode(c.IDs)
		require.NoError(t, err)
		require.Equal(t, c.Decoded, text)
		require.Equal(t, c.Decoded, streamed(t, tok, c.IDs))
	}
}

func TestReferenceModelTexts(t *testing.T) {
	var expected struct {
		Cases []struct {
			Prompt     string
			IDs        []int
			GreedyIDs  []int  `json:"greedy_ids"`
			GreedyText string `json:"greedy_text"`
		}
	}
	readJSON(t, "../../testdata/reference-lm/expected.json", &expected)
	require.NotEmpty(t, expected.Cases)
	tok := reference(t)
	for _, c := range expected.Cases {
		require.Equal(t, c.IDs, tok.Encode(c.Prompt), "%q", c.Prompt)
		for ids, want := range map[*[]int]string{&c.IDs: c.Prompt, &c.GreedyIDs: c.GreedyText} {
			text, err := tok.Decode(*ids)
			require.NoError(t, err)
			require.Equal(t, want, text)
		}
	}
}

func TestVocabulary(t *testing.T) {
	tok := reference(t)
	require.Equal(t, 4096, tok.VocabSize())
	eot, ok := tok.EndOfText()
	require.True(t, ok)
	require.Equal(t, 0, eot)
	require.True(t, tok.IsSpecial(eot))
	require.False(t, tok.IsSpecial(2))
	require.False(t, tok.IsSpecial(-1))
	for id := range tok.VocabSize() {
		piece, err := tok.Piece(id)
		require.NoError(t, err)
		back, ok := tok.ID(piece)
		require.True(t, ok)
		require.Equal(t, id, back)
	}
	_, ok = tok.ID("no such piece")
	require.False(t, ok)
	piece, err := tok.Piece(222)
	require.NoError(t, err)
	require.Equal(t, "Ġ", piece)
}
