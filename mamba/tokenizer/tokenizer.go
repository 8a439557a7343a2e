package tokenizer

import "strings"

// Tokenizer encodes text into token ids and decodes ids into text. It does not
// change once loaded and is safe for concurrent use.
type Tokenizer struct {
	tokens map[int]token  // by id; ids may have gaps
	ids    map[string]int // by piece
	size   int

	raw        matcher // added tokens looked for in the text as it is
	normalized matcher // added tokens looked for in the normalized text

	useNFC         bool
	addPrefixSpace bool // put a space before text that begins with none
	splitWords     bool // split by splitPattern; otherwise text is one word

	bpe   bpe
	cache wordCache
}

type token struct {
	piece   string // as written in tokenizer.json
	text    string // the bytes it stands for
	special bool
}

// Encode returns the ids of text. Added tokens written in the text, such as
// <|endoftext|>, become their ids. Bytes that are not UTF-8 are kept.
func (t *Tokenizer) Encode(text string) []int {
	ids := make([]int, 0, len(text)/4+1)
	for _, s := range t.raw.split(text) {
		if s.id >= 0 {
			ids = append(ids, s.id)
			continue
		}
		for _, s := range t.normalized.split(t.normalize(s.text)) {
			if s.id >= 0 {
				ids = append(ids, s.id)
				continue
			}
			ids = t.encodeText(ids, s.text)
		}
	}
	return ids
}

func (t *Tokenizer) normalize(text string) string {
	if t.useNFC {
		return nfc(text)
	}
	return text
}

// encodeText appends the ids of normalized text without added tokens.
func (t *Tokenizer) encodeText(ids []int, text string) []int {
	if text == "" {
		return ids
	}
	if t.addPrefixSpace && !strings.HasPrefix(text, " ") {
		text = " " + text
	}
	for len(text) > 0 {
		n := len(text)
		if t.splitWords {
			n = nextWord(text)
		}
		for _, id := range t.encodeWord(text[:n]) {
			ids = append(ids, int(id))
		}
		text = text[n:]
	}
	return ids
}

func (t *Tokenizer) encodeWord(word string) []int32 {
	if len(word) > cacheWordSize {
		return t.bpe.encode(nil, word)
	}
	ids, ok := t.cache.get(word)
	if !ok {
		ids = t.bpe.encode(nil, word)
		t.cache.put(word, ids)
	}
	return ids
}

// Decode returns the text of ids, special tokens included as they are written;
// leave out the ids that IsSpecial reports for text without them. Bytes that are
// not UTF-8 become U+FFFD. An id that no token has gives an *IDError.
func (t *Tokenizer) Decode(ids []int) (string, error) {
	var b []byte
	for _, id := range ids {
		tok, err := t.token(id)
		if err != nil {
			return "", err
		}
		b = append(b, tok.text...)
	}
	return string(appendLossy(make([]byte, 0, len(b)), b)), nil
}

// Piece returns the vocabulary string of id as written in tokenizer.json: bytes
// in the byte-level alphabet, where Ġ is a space and Ċ a newline. An id that no
// token has gives an *IDError.
func (t *Tokenizer) Piece(id int) (string, error) {
	tok, err := t.token(id)
	return tok.piece, err
}

// ID returns the id of a vocabulary string or added token, as Piece writes it.
func (t *Tokenizer) ID(piece string) (int, bool) {
	id, ok := t.ids[piece]
	return id, ok
}

// EndOfText returns the id of <|endoftext|>, if the tokenizer has that token.
func (t *Tokenizer) EndOfText() (int, bool) {
	return t.ID(endOfText)
}

// IsSpecial reports whether id is an added token marked special.
func (t *Tokenizer) IsSpecial(id int) bool {
	return t.tokens[id].special
}

// VocabSize returns the highest id plus one. A model's vocabulary is often
// larger, rounded up for speed; no token has the ids in between.
func (t *Tokenizer) VocabSize() int {
	return t.size
}

func (t *Tokenizer) token(id int) (token, error) {
	tok, ok := t.tokens[id]
	if !ok {
		return token{}, &IDError{ID: id, Size: t.size}
	}
	return tok, nil
}
