package mamba

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// held is the length of the longest end of a text that begins a stop string.
func held(text string, stops []string) int {
	for n := len(text); n > 0; n-- {
		for _, s := range stops {
			if n < len(s) && strings.HasPrefix(s, text[len(text)-n:]) {
				return n
			}
		}
	}
	return 0
}

// TestTextStream gives out after every piece all text that is certain and no
// more, however the text is cut into pieces.
func TestTextStream(t *testing.T) {
	word := func(lo, hi int) *rapid.Generator[string] {
		return rapid.StringOfN(rapid.RuneFrom([]rune("abé")), lo, hi, -1)
	}
	rapid.Check(t, func(t *rapid.T) {
		stops := rapid.SliceOfN(word(1, 5), 0, 4).Draw(t, "stops")
		pieces := rapid.SliceOfN(word(0, 4), 0, 12).Draw(t, "pieces")
		s := &textStream{stop: stops}
		whole, out := "", ""
		for _, piece := range pieces {
			whole += piece
			text, stopped := s.release(piece)
			out += text
			before := cut(whole, stops)
			require.Equal(t, before != whole, stopped)
			if stopped {
				require.Equal(t, before, out)
				return
			}
			require.Equal(t, whole[:len(whole)-held(whole, stops)], out)
			require.True(t, utf8.ValidString(text))
		}
		require.Equal(t, whole, out+s.held)
		for _, stop := range stops {
			require.NotContains(t, whole, stop)
		}
	})
}

// TestTextStreamTokens streams a text whose characters are spread over tokens.
func TestTextStreamTokens(t *testing.T) {
	m, err := onGo()
	require.NoError(t, err)
	const text = "naïve — 日本語 🙂, and the whale"
	ids := m.Tokenizer().Encode(text)
	run := func(ids []int, stops ...string) (out string, n int) {
		s := newTextStream(m.Tokenizer(), stops)
		for i, id := range ids {
			piece, stopped := s.add(id)
			assert.True(t, utf8.ValidString(piece))
			out += piece
			if stopped {
				return out, i
			}
		}
		return out + s.rest(), len(ids)
	}
	out, _ := run(ids)
	assert.Equal(t, text, out)
	out, _ = run(ids, "語 🙂,")
	assert.Equal(t, "naïve — 日本", out)
	broken := m.Tokenizer().Encode("a\xe6")
	out, _ = run(broken)
	assert.Equal(t, "a\ufffd", out)
	out, n := run(broken, "\ufffd")
	assert.Equal(t, "a", out, "a stop string in the rest")
	assert.Equal(t, len(broken), n)
	out, _ = run([]int{ids[0], 99999})
	first, err := m.Tokenizer().Decode(ids[:1])
	require.NoError(t, err)
	assert.Equal(t, first, out, "an id without a token has no text")
	none := newTextStream(nil, nil)
	piece, stopped := none.add(1)
	assert.Empty(t, piece+none.rest())
	assert.False(t, stopped)
}
