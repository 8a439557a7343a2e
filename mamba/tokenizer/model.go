package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// maxID keeps ids and VocabSize within 32 bits.
const maxID = math.MaxInt32 - 1

// modelJSON is the model member: a vocabulary and its merges.
type modelJSON struct {
	Type                    string            `json:"type"`
	Dropout                 float64           `json:"dropout"`
	UnkToken                *string           `json:"unk_token"`
	ContinuingSubwordPrefix string            `json:"continuing_subword_prefix"`
	EndOfWordSuffix         string            `json:"end_of_word_suffix"`
	FuseUnk                 bool              `json:"fuse_unk"`
	ByteFallback            bool              `json:"byte_fallback"`
	IgnoreMerges            bool              `json:"ignore_merges"`
	Vocab                   json.RawMessage   `json:"vocab"`
	Merges                  []json.RawMessage `json:"merges"`
}

func (t *Tokenizer) readModel(data json.RawMessage) error {
	name, err := kind("model", data)
	if err != nil {
		return err
	}
	// Files from before the type was written hold BPE without a name.
	if name != "BPE" && name != "" {
		return unsupported("model", name, "BPE")
	}
	var m modelJSON
	if err := unmarshal("model", data, &m); err != nil {
		return err
	}
	if err := m.checkOptions(); err != nil {
		return err
	}
	if err := t.readVocab(m); err != nil {
		return err
	}
	if err := t.readUnknown(m); err != nil {
		return err
	}
	return t.readMerges(m.Merges)
}

// checkOptions refuses what byte-level vocabularies do not use.
func (m *modelJSON) checkOptions() error {
	for _, option := range []struct {
		name string
		set  bool
		got  any
		want string
	}{
		{"dropout", m.Dropout != 0, m.Dropout, "null or 0"},
		{"continuing_subword_prefix", m.ContinuingSubwordPrefix != "", m.ContinuingSubwordPrefix, "null or empty"},
		{"end_of_word_suffix", m.EndOfWordSuffix != "", m.EndOfWordSuffix, "null or empty"},
		{"byte_fallback", m.ByteFallback, m.ByteFallback, "false"},
	} {
		if option.set {
			return &FormatError{Field: "model." + option.name, Got: fmt.Sprintf("%#v", option.got), Want: option.want}
		}
	}
	return nil
}

func (t *Tokenizer) readVocab(m modelJSON) error {
	const field = "model.vocab"
	var vocab map[string]int
	if m.Vocab != nil {
		if err := unmarshal(field, m.Vocab, &vocab); err != nil {
			return err
		}
	}
	if len(vocab) == 0 {
		return &FormatError{Field: field, Got: "no tokens", Want: "at least one"}
	}
	for b := range t.bpe.byteID {
		t.bpe.byteID[b] = -1
	}
	if m.IgnoreMerges {
		t.bpe.words = make(map[string]int32, len(vocab))
	}
	// Sorted, so that of several mistakes the same one is reported every time.
	for _, piece := range slices.Sorted(maps.Keys(vocab)) {
		id := vocab[piece]
		if err := t.addToken(field, piece, id, tokenText(piece)); err != nil {
			return err
		}
		text, ok := pieceBytes(piece)
		if ok && len(text) == 1 {
			t.bpe.byteID[text[0]] = int32(id)
		}
		if ok && m.IgnoreMerges {
			t.bpe.words[text] = int32(id)
		}
	}
	return nil
}

func (t *Tokenizer) readUnknown(m modelJSON) error {
	t.bpe.unknown, t.bpe.fuse = -1, m.FuseUnk
	if m.UnkToken == nil {
		return nil
	}
	id, ok := t.ids[*m.UnkToken]
	if !ok {
		return &FormatError{Field: "model.unk_token", Got: fmt.Sprintf("%q", *m.UnkToken), Want: "a token of model.vocab"}
	}
	t.bpe.unknown = int32(id)
	return nil
}

// readMerges enters the merges; the rank of each is its place. Of two merges of
// one pair the later one counts.
func (t *Tokenizer) readMerges(list []json.RawMessage) error {
	t.bpe.merges = make(map[pair]merge, len(list))
	rank := int32(0)
	for i, data := range list {
		field := fmt.Sprintf("model.merges[%d]", i)
		left, right, err := splitMerge(field, data)
		if err != nil {
			return err
		}
		var ids [3]int32
		for j, piece := range [3]string{left, right, left + right} {
			id, ok := t.ids[piece]
			if !ok {
				return &FormatError{Field: field, Got: fmt.Sprintf("%q, which model.vocab lacks", piece), Want: "tokens of the vocabulary"}
			}
			ids[j] = int32(id)
		}
		t.bpe.merges[makePair(ids[0], ids[1])] = merge{rank: rank, id: ids[2]}
		rank++
	}
	return nil
}

// splitMerge reads one merge: ["a","b"], or "a b" in older files.
func splitMerge(field string, data json.RawMessage) (left, right string, err error) {
	var parts []string
	if len(data) > 0 && data[0] == '"' {
		var line string
		if err := unmarshal(field, data, &line); err != nil {
			return "", "", err
		}
		parts = strings.Split(line, " ")
	} else if err := unmarshal(field, data, &parts); err != nil {
		return "", "", err
	}
	if len(parts) != 2 {
		return "", "", &FormatError{Field: field, Got: string(data), Want: `["a", "b"] or "a b"`}
	}
	return parts[0], parts[1], nil
}
