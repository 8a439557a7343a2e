package tokenizer

import (
	"fmt"
	"strings"
)

// FormatError says what in a tokenizer.json file is wrong or not supported.
type FormatError struct {
	Path  string // the file, as the caller named it; may be empty
	Field string // the member, such as "model.merges[3]"; empty for the whole file
	Got   string // what the file holds
	Want  string // what would be accepted
}

// Error returns the place, what was found there and what would be accepted.
func (e *FormatError) Error() string {
	var b strings.Builder
	b.WriteString("tokenizer: ")
	for _, part := range []string{e.Path, e.Field} {
		if part != "" {
			b.WriteString(part)
			b.WriteString(": ")
		}
	}
	fmt.Fprintf(&b, "got %s, want %s", e.Got, e.Want)
	return b.String()
}

// IDError says that no token has an id.
type IDError struct {
	ID   int
	Size int // the tokenizer's VocabSize
}

// Error returns the id and the size of the vocabulary.
func (e *IDError) Error() string {
	if e.ID >= 0 && e.ID < e.Size {
		return fmt.Sprintf("tokenizer: no token has id %d (the vocabulary of %d ids has gaps)", e.ID, e.Size)
	}
	return fmt.Sprintf("tokenizer: id %d is outside the vocabulary of %d ids", e.ID, e.Size)
}

// TrainError says which of the [TrainOptions] is wrong.
type TrainError struct {
	Option    string
	Got, Want string
}

// Error returns the option, its value and what would be accepted.
func (e *TrainError) Error() string {
	return fmt.Sprintf("tokenizer: option %s: got %s, want %s", e.Option, e.Got, e.Want)
}
