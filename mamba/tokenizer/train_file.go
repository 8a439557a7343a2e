package tokenizer

import (
	"bytes"
	"encoding/json"
)

// fileJSON is a tokenizer.json as Hugging Face's library writes it.
type fileJSON struct {
	Version       string         `json:"version"`
	Truncation    any            `json:"truncation"`
	Padding       any            `json:"padding"`
	AddedTokens   []addedToken   `json:"added_tokens"`
	Normalizer    stageJSON      `json:"normalizer"`
	PreTokenizer  byteLevelJSON  `json:"pre_tokenizer"`
	PostProcessor byteLevelJSON  `json:"post_processor"`
	Decoder       byteLevelJSON  `json:"decoder"`
	Model         trainedBPEJSON `json:"model"`
}

type stageJSON struct {
	Type string `json:"type"`
}

type byteLevelJSON struct {
	Type           string `json:"type"`
	AddPrefixSpace bool   `json:"add_prefix_space"`
	TrimOffsets    bool   `json:"trim_offsets"`
	UseRegex       bool   `json:"use_regex"`
}

type trainedBPEJSON struct {
	Type                    string          `json:"type"`
	Dropout                 any             `json:"dropout"`
	UnkToken                any             `json:"unk_token"`
	ContinuingSubwordPrefix any             `json:"continuing_subword_prefix"`
	EndOfWordSuffix         any             `json:"end_of_word_suffix"`
	FuseUnk                 bool            `json:"fuse_unk"`
	ByteFallback            bool            `json:"byte_fallback"`
	IgnoreMerges            bool            `json:"ignore_merges"`
	Vocab                   json.RawMessage `json:"vocab"`
	Merges                  [][2]string     `json:"merges"`
}

// file writes what was learnt.
func (l *learner) file() ([]byte, error) {
	vocab, err := l.vocab()
	if err != nil {
		return nil, err
	}
	f := fileJSON{
		Version: "1.0", AddedTokens: []addedToken{}, Normalizer: stageJSON{"NFC"},
		PreTokenizer:  byteLevelJSON{"ByteLevel", false, true, true},
		PostProcessor: byteLevelJSON{"ByteLevel", true, true, true}, // offsets only: no ids are added
		Decoder:       byteLevelJSON{"ByteLevel", true, true, true},
		Model:         trainedBPEJSON{Type: "BPE", Vocab: vocab, Merges: l.mergeList()},
	}
	for id, token := range l.opts.AddedTokens {
		f.AddedTokens = append(f.AddedTokens, addedToken{ID: id, Content: token, Special: true})
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil // as Hugging Face ends it
}

// vocab is the vocabulary as a JSON object in the order of ids.
func (l *learner) vocab() (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for id, piece := range l.pieces {
		sep := byte(',')
		if id == 0 {
			sep = '{'
		}
		b.WriteByte(sep)
		if err := e.Encode(piece); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(id); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// mergeList is the merges by their pieces. Of a pair that was joined twice, which
// tokens made in two ways bring about, the last time counts.
func (l *learner) mergeList() [][2]string {
	last := map[pair]int{}
	for i, p := range l.merges {
		last[p] = i
	}
	list := [][2]string{}
	for i, p := range l.merges {
		if last[p] == i {
			left, right := p.parts()
			list = append(list, [2]string{l.pieces[left], l.pieces[right]})
		}
	}
	return list
}
