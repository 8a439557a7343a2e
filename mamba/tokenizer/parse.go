package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Load reads the tokenizer.json file at path. What it does not support it
// refuses with a *FormatError rather than encode differently.
func Load(path string) (*Tokenizer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return Parse(path, data)
}

// Parse reads the bytes of a tokenizer.json file; path is used in errors only.
func Parse(path string, data []byte) (*Tokenizer, error) {
	t, err := parse(data)
	if err != nil {
		var format *FormatError
		if errors.As(err, &format) {
			format.Path = path
		}
		return nil, err
	}
	return t, nil
}

// file is the part of tokenizer.json that decides which ids a text has.
type file struct {
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

func parse(data []byte) (*Tokenizer, error) {
	var f file
	if err := unmarshal("", data, &f); err != nil {
		return nil, err
	}
	t := &Tokenizer{tokens: map[int]token{}, ids: map[string]int{}}
	steps := []func() error{
		func() error { return t.readModel(f.Model) },
		func() error { return t.readNormalizer("normalizer", f.Normalizer) },
		func() error { return t.readPreTokenizer(f.PreTokenizer) },
		func() error { return checkPostProcessor("post_processor", f.PostProcessor) },
		func() error { return checkDecoder(f.Decoder) },
		func() error { return t.readAddedTokens(f.AddedTokens) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// unmarshal reads JSON into v; what does not fit is a *FormatError about field.
func unmarshal(field string, data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	format := &FormatError{Field: field, Got: err.Error(), Want: "JSON of a tokenizer"}
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		format.Field = join(field, mismatch.Field)
		format.Got = "JSON " + mismatch.Value
		format.Want = mismatch.Type.String()
	}
	return format
}

func join(field, member string) string {
	if field == "" || member == "" {
		return field + member
	}
	return field + "." + member
}

// addToken enters a piece of the vocabulary or an added token.
func (t *Tokenizer) addToken(field, piece string, id int, text string) error {
	if id < 0 || id > maxID {
		return &FormatError{Field: field, Got: fmt.Sprintf("id %d of %q", id, piece), Want: "an id from 0 to 2147483646"}
	}
	if held, ok := t.tokens[id]; ok && held.piece != piece {
		return &FormatError{
			Field: field,
			Got:   fmt.Sprintf("id %d for both %q and %q", id, held.piece, piece),
			Want:  "one token for each id",
		}
	}
	if held, ok := t.ids[piece]; ok && held != id {
		return &FormatError{
			Field: field,
			Got:   fmt.Sprintf("ids %d and %d for %q", held, id, piece),
			Want:  "one id for each token",
		}
	}
	t.tokens[id] = token{piece: piece, text: text}
	t.ids[piece] = id
	t.size = max(t.size, id+1)
	return nil
}

// readAddedTokens enters the added tokens, some of which the vocabulary holds as
// well. Their text is what is written, unless all of it is in the byte-level
// alphabet, which Hugging Face's decoder undoes in every token.
func (t *Tokenizer) readAddedTokens(list []addedToken) error {
	for i := range list {
		field, added := fmt.Sprintf("added_tokens[%d]", i), &list[i]
		if added.Content == "" {
			return &FormatError{Field: field, Got: "empty content", Want: "the text of a token"}
		}
		if err := t.addToken(field, added.Content, added.ID, tokenText(added.Content)); err != nil {
			return err
		}
		held := t.tokens[added.ID]
		held.special = added.Special
		t.tokens[added.ID] = held
	}
	// Two tokens can be one after normalization; then the special one counts.
	t.matchAdded(list, true)
	t.matchAdded(list, false)
	return nil
}

// matchAdded makes Encode look for the added tokens that are special or not.
func (t *Tokenizer) matchAdded(list []addedToken, special bool) {
	for i := range list {
		switch added := &list[i]; {
		case added.Special != special:
		case added.Normalized:
			t.normalized.add(added, t.normalize(added.Content))
		default:
			t.raw.add(added, added.Content)
		}
	}
}

func tokenText(piece string) string {
	if text, ok := pieceBytes(piece); ok {
		return text
	}
	return piece
}
