package tokenizer_test

import (
	"os"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mambagpu/mambagpu/mamba/tokenizer"
)

// Random ids cut characters anywhere; the low ids are single bytes.
func TestStreamEqualsDecode(t *testing.T) {
	tok := reference(t)
	anyID := rapid.OneOf(rapid.IntRange(0, 257), rapid.IntRange(0, tok.VocabSize()-1))
	rapid.Check(t, func(rt *rapid.T) {
		ids := rapid.SliceOf(anyID).Draw(rt, "ids")
		want, err := tok.Decode(ids)
		require.NoError(rt, err)
		d := tok.NewDecoder()
		var got strings.Builder
		for _, id := range ids {
			piece, err := d.Write(id)
			require.NoError(rt, err)
			require.True(rt, utf8.ValidString(piece))
			got.WriteString(piece)
		}
		got.WriteString(d.Flush())
		require.Equal(rt, want, got.String())
		require.Empty(rt, d.Flush())
	})
}

func TestStreamWaitsForCharacter(t *testing.T) {
	tok := reference(t)
	d := tok.NewDecoder()
	var pieces []string
	for _, id := range []int{174, 255, 248, 224, 66} { // the bytes of U+1F600, then a
		piece, err := d.Write(id)
		require.NoError(t, err)
		pieces = append(pieces, piece)
	}
	require.Equal(t, []string{"", "", "", "😀", "a"}, pieces)
	_, err := d.Write(174)
	require.NoError(t, err)
	_, err = d.Write(1 << 20)
	require.Error(t, err)
	require.Equal(t, "\uFFFD", d.Flush())
}

// One U+FFFD stands for each unfinished character and each stray byte.
func TestDecodeInvalid(t *testing.T) {
	tok := reference(t)
	for text, want := range map[string]string{
		"\xf0\x9f\x98":         "\uFFFD",
		"\xf0\x9f\x98a":        "\uFFFDa",
		"\xf0\x9f\xe6\x97\xa5": "\uFFFD日",
		"\xe0\x80\x80":         "\uFFFD\uFFFD\uFFFD",
		"\xed\xa0\x80":         "\uFFFD\uFFFD\uFFFD",
		"\xff\xc0\x80":         "\uFFFD\uFFFD\uFFFD",
		"\xf4\x90\x80":         "\uFFFD\uFFFD\uFFFD",
		"\x80a\xbf\uFFFD":      "\uFFFDa\uFFFD\uFFFD",
	} {
		ids := tok.Encode(text)
		got, err := tok.Decode(ids)
		require.NoError(t, err)
		require.Equal(t, want, got, "%q", text)
		require.Equal(t, want, streamed(t, tok, ids), "%q", text)
	}
}

func TestRoundTrip(t *testing.T) {
	tok := reference(t)
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[ -~\n\t\r]*`).Draw(rt, "text")
		got, err := tok.Decode(tok.Encode(text))
		require.NoError(rt, err)
		require.Equal(rt, text, got)
	})
}

func TestConcurrentEncode(t *testing.T) {
	tok := reference(t)
	text := strings.Repeat("Fellow-Citizens of the Senate, it's <|endoftext|> cafe\u0301. ", 20)
	want := reference(t).Encode(text)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if got := tok.Encode(text); len(got) != len(want) {
					t.Errorf("got %d ids, want %d", len(got), len(want))
				}
				if _, err := tok.Decode(want); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestMegabyteWords(t *testing.T) {
	tok := reference(t)
	for _, text := range []string{
		strings.Repeat("a", 1<<20),
		strings.Repeat("the", 1<<18),
		strings.Repeat(" ", 1<<20),
		"e" + strings.Repeat("\u0301\u0316", 1<<17),
	} {
		got, err := tok.Decode(tok.Encode(text))
		require.NoError(t, err)
		require.InDelta(t, len(text), len(got), 1)
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile(referencePath)
	require.NoError(f, err)
	f.Add(data, "a <|endoftext|>b")
	f.Add(small(nil), "abc d\xff")
	f.Add(small(func(file, model object) {
		model["unk_token"], model["ignore_merges"] = "f", true
		file["added_tokens"] = []any{
			object{"id": 20, "content": " ", "lstrip": true, "rstrip": true, "normalized": true},
			object{"id": 21, "content": "e\u0301", "single_word": true, "normalized": true},
		}
	}), "a  e\u0301 b")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		tok, err := tokenizer.Parse("fuzz.json", data)
		if err != nil {
			return
		}
		ids := tok.Encode(text)
		want, err := tok.Decode(ids)
		require.NoError(t, err)
		require.Equal(t, want, streamed(t, tok, ids))
	})
}

func FuzzEncode(f *testing.F) {
	for _, text := range []string{"", "it's  a\n\n", "e\u0301\u0316", "\xff\xf0\x9f", "<|endoftext|>", strings.Repeat("\u0301", 40)} {
		f.Add(text)
	}
	tok := reference(f)
	f.Fuzz(func(t *testing.T, text string) {
		ids := tok.Encode(text)
		got, err := tok.Decode(ids)
		require.NoError(t, err)
		require.Equal(t, got, streamed(t, tok, ids))
		again, err := tok.Decode(tok.Encode(got))
		require.NoError(t, err)
		if utf8.ValidString(text) {
			require.Equal(t, got, again)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	tok := reference(b)
	text := strings.Repeat("The Senate and House of Representatives, in 1861: it's known that café 日本. ", 1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		tok.Encode(text)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		reference(b)
	}
}
