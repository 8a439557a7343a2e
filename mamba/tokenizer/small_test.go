package tokenizer_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/tokenizer"
)

// object is a JSON object built in a test.
type object = map[string]any

// small returns a tokenizer.json of the pieces "a" to "f", space, newline, "ab"
// and "abc"; edit changes it.
func small(edit func(file, model object)) []byte {
	vocab := object{"a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "f": 5, "Ġ": 6, "Ċ": 7, "ab": 8, "abc": 9}
	model := object{"type": "BPE", "vocab": vocab, "merges": []any{[]any{"a", "b"}, []any{"ab", "c"}}}
	file := object{
		"added_tokens":  []any{},
		"normalizer":    object{"type": "NFC"},
		"pre_tokenizer": object{"type": "ByteLevel", "add_prefix_space": false},
		"decoder":       object{"type": "ByteLevel"},
		"model":         model,
	}
	if edit != nil {
		edit(file, model)
	}
	data, err := json.Marshal(file)
	if err != nil {
		panic(err)
	}
	return data
}

func parseSmall(t *testing.T, edit func(file, model object)) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.Parse("small.json", small(edit))
	require.NoError(t, err)
	return tok
}

func TestAddedTokenFlags(t *testing.T) {
	for _, c := range []struct {
		name    string
		content string
		flags   string
		text    string
		want    []int
	}{
		{"plain", "<x>", "", "a <x> b", []int{0, 6, 20, 6, 1}},
		{"lstrip", "<x>", "lstrip", "a \n<x> b", []int{0, 20, 6, 1}},
		{"rstrip", "<x>", "rstrip", "a <x> \n b", []int{0, 6, 20, 1}},
		{"both", "<x>", "lstrip rstrip", " <x> <x> a", []int{20, 20, 0}},
		{"single word", "de", "single_word", "de ade dea de", []int{20, 6, 0, 3, 4, 6, 3, 4, 0, 6, 20}},
		{"raw does not meet normalized text", "é", "", "e\u0301 é", []int{6, 20}},
		{"normalized meets normalized text", "e\u0301", "normalized", "e\u0301é", []int{20, 20}},
		{"spaces", "  ", "normalized", "a   b", []int{0, 20, 6, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok := parseSmall(t, func(file, _ object) {
				added := object{"id": 20, "content": c.content}
				for _, flag := range strings.Fields(c.flags) {
					added[flag] = true
				}
				file["added_tokens"] = []any{added}
			})
			require.Equal(t, c.want, tok.Encode(c.text))
			require.Equal(t, 21, tok.VocabSize())
			_, err := tok.Decode([]int{20})
			require.NoError(t, err)
		})
	}
}

// Several tokens at once: the longest at a place, raw before normalized ones, and
// white space that one token takes and that holds another.
func TestAddedTokensTogether(t *testing.T) {
	tok := parseSmall(t, func(file, _ object) {
		file["added_tokens"] = []any{
			object{"id": 20, "content": "<x"},
			object{"id": 21, "content": "<x>", "rstrip": true},
			object{"id": 22, "content": "a<", "normalized": true},
			object{"id": 23, "content": "\n"},
			object{"id": 24, "content": " ", "lstrip": true, "normalized": true},
			object{"id": 25, "content": "\u212b", "normalized": true},
			object{"id": 26, "content": "\u00c5", "normalized": true, "special": true},
		}
	})
	require.Equal(t, []int{20, 21, 0, 20}, tok.Encode("<x<x>  a<x"))
	require.Equal(t, []int{21, 23, 1}, tok.Encode("<x> \nb"))
	require.Equal(t, []int{22, 24, 24, 1}, tok.Encode("a<  b"))
	require.Equal(t, []int{26}, tok.Encode("A\u030a"))
}

func TestModelOptions(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(file, model object)
		text string
		want []int
	}{
		{"merges", nil, "abcab d", []int{9, 8, 6, 3}},
		{"no type", func(_, m object) { delete(m, "type") }, "abc", []int{9}},
		{"bytes without token are left out", nil, "a?b", []int{0, 1}},
		{"left out within a word", nil, "aéb\xff", []int{8}},
		{"unknown token", func(_, m object) { m["unk_token"] = "f" }, "a??b", []int{0, 5, 5, 1}},
		{"fused unknown token", func(_, m object) { m["unk_token"], m["fuse_unk"] = "f", true }, "a??b", []int{0, 5, 1}},
		{"prefix space", func(f, _ object) {
			f["pre_tokenizer"] = object{"type": "ByteLevel", "add_prefix_space": true}
		}, "ab", []int{6, 8}},
		{"one word", func(f, m object) {
			m["merges"] = []any{"c Ġ"}
			m["vocab"].(object)["cĠ"] = 10
			f["pre_tokenizer"] = object{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}
		}, "c d", []int{10, 3}},
		{"ignore_merges", func(_, m object) {
			m["ignore_merges"] = true
			m["vocab"].(object)["def"] = 10
		}, "def fed", []int{10, 6, 5, 4, 3}},
		{"no normalizer", func(f, _ object) { f["normalizer"] = nil }, "e\u0301", []int{4}},
		{"sequence of NFC", func(f, _ object) {
			f["normalizer"] = object{"type": "Sequence", "normalizers": []any{object{"type": "NFC"}}}
		}, "e\u0301", []int{}},
		{"split written out", func(f, _ object) { f["pre_tokenizer"] = splitSequence(gpt2, false) }, "ab c", []int{8, 6, 2}},
		{"template of the text alone", func(f, _ object) {
			f["post_processor"] = object{"type": "TemplateProcessing", "single": []any{object{"Sequence": object{"id": "A"}}}}
		}, "a", []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, parseSmall(t, c.edit).Encode(c.text))
		})
	}
}

const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

func splitSequence(regex string, useRegex bool) object {
	return object{"type": "Sequence", "pretokenizers": []any{
		object{"type": "Split", "pattern": object{"Regex": regex}, "behavior": "Isolated", "invert": false},
		object{"type": "ByteLevel", "add_prefix_space": false, "use_regex": useRegex},
	}}
}

func TestFormatErrors(t *testing.T) {
	set := func(key string, value any) func(file, model object) {
		return func(file, _ object) { file[key] = value }
	}
	setModel := func(key string, value any) func(file, model object) {
		return func(_, model object) { model[key] = value }
	}
	stage := func(name string) object { return object{"type": name} }
	added := func(list ...any) func(file, model object) { return set("added_tokens", list) }
	for _, c := range []struct {
		field, got string
		edit       func(file, model object)
	}{
		{"model", "Unigram", setModel("type", "Unigram")},
		{"model", "null", set("model", nil)},
		{"model.dropout", "0.1", setModel("dropout", 0.1)},
		{"model.continuing_subword_prefix", "##", setModel("continuing_subword_prefix", "##")},
		{"model.end_of_word_suffix", "</w>", setModel("end_of_word_suffix", "</w>")},
		{"model.byte_fallback", "true", setModel("byte_fallback", true)},
		{"model.unk_token", "<unk>", setModel("unk_token", "<unk>")},
		{"model.vocab", "no tokens", setModel("vocab", object{})},
		{"model.vocab", "no tokens", setModel("vocab", nil)},
		{"model.vocab", "JSON array", setModel("vocab", []any{})},
		{"model.vocab", "id -1", setModel("vocab", object{"a": -1})},
		{"model.vocab", "id 4294967296", setModel("vocab", object{"a": 1 << 32})},
		{"model.vocab", `both "a" and "b"`, setModel("vocab", object{"a": 0, "b": 0})},
		{"model.merges[0]", `"zz"`, setModel("merges", []any{[]any{"zz", "a"}})},
		{"model.merges[1]", `"ac"`, setModel("merges", []any{"a b", "a c"})},
		{"model.merges[0]", "a b c", setModel("merges", []any{"a b c"})},
		{"model.merges[0]", "number", setModel("merges", []any{1})},
		{"model.merges", "string", setModel("merges", "a b")},
		{"normalizer", "Lowercase", set("normalizer", stage("Lowercase"))},
		{"normalizer", "JSON number", set("normalizer", 3)},
		{"normalizer.normalizers", "nothing", set("normalizer", stage("Sequence"))},
		{"normalizer.normalizers[0]", "NFKC", set("normalizer", object{"type": "Sequence", "normalizers": []any{stage("NFKC")}})},
		{"pre_tokenizer", "Whitespace", set("pre_tokenizer", stage("Whitespace"))},
		{"pre_tokenizer", "null", set("pre_tokenizer", nil)},
		{"pre_tokenizer.add_prefix_space", "nothing", set("pre_tokenizer", stage("ByteLevel"))},
		{"pre_tokenizer.pretokenizers[0].pattern", `\\d`, set("pre_tokenizer", splitSequence(`\d`, false))},
		{"pre_tokenizer.pretokenizers[1]", "use_regex", set("pre_tokenizer", splitSequence(gpt2, true))},
		{"pre_tokenizer.pretokenizers", "0 stages", set("pre_tokenizer", object{"type": "Sequence", "pretokenizers": []any{}})},
		{"decoder", "null", set("decoder", nil)},
		{"decoder", "WordPiece", set("decoder", stage("WordPiece"))},
		{"post_processor", "BertProcessing", set("post_processor", stage("BertProcessing"))},
		{"post_processor.single[0]", "<s>", set("post_processor", object{"type": "TemplateProcessing", "single": []any{object{"SpecialToken": object{"id": "<s>"}}}})},
		{"added_tokens[0]", "empty content", added(object{"id": 20})},
		{"added_tokens[0]", "id -2", added(object{"id": -2, "content": "x"})},
		{"added_tokens[0]", `"a" and "x"`, added(object{"id": 0, "content": "x"})},
		{"added_tokens[0]", `ids 0 and 20`, added(object{"id": 20, "content": "a"})},
		{"added_tokens[1]", `ids 20 and 21`, added(object{"id": 20, "content": "x"}, object{"id": 21, "content": "x"})},
	} {
		t.Run(fmt.Sprintf("%s %s", c.field, c.got), func(t *testing.T) {
			_, err := tokenizer.Parse("some.json", small(c.edit))
			var format *tokenizer.FormatError
			require.ErrorAs(t, err, &format)
			require.Equal(t, "some.json", format.Path)
			require.Equal(t, c.field, format.Field)
			require.Contains(t, format.Got, c.got)
			require.NotEmpty(t, format.Want)
			require.Equal(t, fmt.Sprintf("tokenizer: some.json: %s: got %s, want %s", format.Field, format.Got, format.Want), err.Error())
		})
	}
	_, err := tokenizer.Parse("", []byte(`{"model"`))
	var format *tokenizer.FormatError
	require.ErrorAs(t, err, &format)
	require.True(t, strings.HasPrefix(err.Error(), "tokenizer: got "), err.Error())
	_, err = tokenizer.Load("no such file")
	require.ErrorContains(t, err, "tokenizer: ")
}

func TestIDErrors(t *testing.T) {
	tok := parseSmall(t, func(file, _ object) {
		file["added_tokens"] = []any{object{"id": 20, "content": "<x>"}}
	})
	for _, id := range []int{-1, 15, 21, 1 << 40} {
		_, decodeErr := tok.Decode([]int{0, id})
		_, pieceErr := tok.Piece(id)
		_, writeErr := tok.NewDecoder().Write(id)
		for _, err := range []error{decodeErr, pieceErr, writeErr} {
			var idErr *tokenizer.IDError
			require.ErrorAs(t, err, &idErr)
			require.Equal(t, tokenizer.IDError{ID: id, Size: 21}, *idErr)
			require.Contains(t, err.Error(), fmt.Sprintf("id %d", id))
		}
	}
}

func TestOldMergesGiveTheSame(t *testing.T) {
	var file, old object
	readJSON(t, referencePath, &file)
	readJSON(t, referencePath, &old)
	merges := old["model"].(object)["merges"].([]any)
	for i, pair := range merges {
		merges[i] = fmt.Sprintf("%s %s", pair.([]any)...)
	}
	data, err := json.Marshal(old)
	require.NoError(t, err)
	tok, err := tokenizer.Parse("old.json", data)
	require.NoError(t, err)
	text := strings.Repeat("The Senate and House of Representatives, 1861: it's known.\n", 3)
	require.True(t, slices.Equal(reference(t).Encode(text), tok.Encode(text)))
}
