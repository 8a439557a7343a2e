package tokenizer

// Decoder turns a stream of ids into text as they come, without splitting a
// character whose bytes are spread over several tokens. The texts that Write and
// Flush return, joined, are what Decode returns for the same ids. A Decoder is
// for one goroutine.
type Decoder struct {
	tokenizer *Tokenizer
	pending   []byte // the beginning of a character
}

// NewDecoder returns a Decoder at the beginning of a stream.
func (t *Tokenizer) NewDecoder() *Decoder {
	return &Decoder{tokenizer: t}
}

// Write takes the next id and returns the text that is complete with it, which
// can be empty. An id that no token has gives an *IDError and is left out.
func (d *Decoder) Write(id int) (string, error) {
	tok, err := d.tokenizer.token(id)
	if err != nil {
		return "", err
	}
	all := append(d.pending, tok.text...)
	n := completeLen(all)
	text := string(appendLossy(nil, all[:n]))
	d.pending = append(all[:0], all[n:]...)
	return text, nil
}

// Flush returns the rest, U+FFFD for a character that was not finished, and
// makes the Decoder ready for another stream.
func (d *Decoder) Flush() string {
	text := string(appendLossy(nil, d.pending))
	d.pending = d.pending[:0]
	return text
}
