package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// naiveEncode joins the leftmost pair of the lowest rank until there is none.
func naiveEncode(m *bpe, word string) []int32 {
	var ids []int32
	for i := range len(word) {
		if id := m.byteID[word[i]]; id >= 0 {
			ids = append(ids, id)
		}
	}
	for {
		best, at := merge{rank: -1}, -1
		for i := range len(ids) - 1 {
			found, ok := m.merges[makePair(ids[i], ids[i+1])]
			if ok && (at < 0 || found.rank < best.rank) {
				best, at = found, i
			}
		}
		if at < 0 {
			return ids
		}
		ids[at] = best.id
		ids = slices.Delete(ids, at+1, at+2)
	}
}

// randomBPE has tokens of the letters a to d and merges drawn at random.
func randomBPE(r *rand.Rand, merges int) *bpe {
	m := &bpe{merges: map[pair]merge{}, unknown: -1}
	for b := range m.byteID {
		m.byteID[b] = -1
	}
	pieces := []string{"a", "b", "c", "d"}
	for i, piece := range pieces {
		m.byteID[piece[0]] = int32(i)
	}
	for rank := range merges {
		left, right := r.IntN(len(pieces)), r.IntN(len(pieces))
		joined := pieces[left] + pieces[right]
		id := slices.Index(pieces, joined)
		if id < 0 {
			id = len(pieces)
			pieces = append(pieces, joined)
		}
		m.merges[makePair(int32(left), int32(right))] = merge{rank: int32(rank), id: int32(id)}
	}
	return m
}

func TestHeapBPEEqualsNaive(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := randomBPE(r, r.IntN(60))
		for range 50 {
			word := make([]byte, r.IntN(60))
			for i := range word {
				word[i] = "abcde"[r.IntN(5)]
			}
			require.Equal(t, naiveEncode(m, string(word)), m.encode(nil, string(word)), "seed %d: %q", seed, word)
		}
	}
}

func TestMergeQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ranks := rapid.SliceOf(rapid.Int32Range(0, 9)).Draw(t, "ranks")
		var q mergeQueue
		for pos, rank := range ranks {
			q.push(candidate{merge: merge{rank: rank}, pos: pos})
		}
		last := candidate{merge: merge{rank: -1}}
		for range ranks {
			next := q.pop()
			require.True(t, last.before(next))
			last = next
		}
		require.Empty(t, q)
	})
}

func TestLongNormalization(t *testing.T) {
	marks := strings.Repeat("\u0316\u0301", 40)
	want := "é" + strings.Repeat("\u0316", 40) + strings.Repeat("\u0301", 39)
	require.Equal(t, "xé\xff "+want+"é", nfc("xe\u0301\xff e"+marks+"e\u0301"))
	require.Equal(t, "\xff"+strings.Repeat("\u0301", 40), nfc("\xff"+strings.Repeat("\u0301", 40)))
	require.Equal(t, "각"+strings.Repeat("\u11a8", 20), nfc("\u1100\u1161"+strings.Repeat("\u11a8", 21)))
}

// The steps of nfcCluster give what the norm package gives where that is right.
func TestNormalizationSteps(t *testing.T) {
	alphabet := []rune("aeAoqx가\u1100\u1161\u11a8\u0301\u0308\u0323\u0327\u0344\u0338\u0958\u09c7\u09be\u05ae\u0315\u212b\u0f71\u0f72\u0344éǖ")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom(alphabet), 0, 12, -1).Draw(t, "text")
		require.Equal(t, norm.NFC.String(text), string(compose(ordered(decompose(text)))))
		require.Equal(t, norm.NFC.String(text), nfc(text))
	})
}

func ordered(runes []rune) []rune {
	orderMarks(runes)
	return runes
}

func TestNormalizationCopiesInvalidBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"a", "\xff", "\xe3\x81", "\x80", "\xf0\x9f"})).Draw(t, "parts")
		text := strings.Join(parts, "")
		require.Equal(t, text, nfc(text))
	})
}

func TestNextWord(t *testing.T) {
	for _, c := range []struct {
		text  string
		words []string
	}{
		{"it's they'LL", []string{"it", "'s", " they", "'", "LL"}},
		{" 's", []string{" '", "s"}},
		{"a  b", []string{"a", " ", " b"}},
		{"a \n", []string{"a", " \n"}},
		{"a\n\nb", []string{"a", "\n", "\n", "b"}},
		{"x1½ 2!?", []string{"x", "1½", " 2", "!?"}},
		{"a\u180eb\u200b\u0085\u00a0c", []string{"a", "\u180e", "b", "\u200b", "\u0085", "\u00a0", "c"}},
		{"e\u0301", []string{"e", "\u0301"}},
		{"a\xff\xfe b", []string{"a", "\xff\xfe", " b"}},
		{"a\U00016d40\U00016d70", []string{"a\U00016d40", "\U00016d70"}},
	} {
		var words []string
		for rest := c.text; rest != ""; {
			n := nextWord(rest)
			words = append(words, rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, c.words, words, "%q", c.text)
	}
}

func TestCacheIsBounded(t *testing.T) {
	var c wordCache
	for i := range cacheWords + 10 {
		c.put(string(rune(i+0x10000)), nil)
	}
	require.Len(t, c.words, 10)
}
