package mamba

import (
	"errors"
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// ErrClosed is returned by methods of a model or state after Close.
var ErrClosed = wgpu.ErrClosed

// ErrEmptyPrompt is returned when there is no token to begin with.
var ErrEmptyPrompt = errors.New("mamba: empty prompt: at least one token is needed to begin with")

// ErrNoTokenizer is returned by what needs text of a model without tokenizer.
var ErrNoTokenizer = errors.New("mamba: the model's folder has no tokenizer.json: name one (Options.Tokenizer, --tokenizer FILE) or use token ids (GenerateIDs, --ids)")

// ErrNotFinite is returned when the logits are NaN or infinite, which finite
// weights give only if a sum left the range of float32.
var ErrNotFinite = errors.New("mamba: the logits are not finite")

// BrokenStateError is returned for a state that is not that of its tokens: a generation into it
// had run ahead on the device when it ended, and to bring the state back failed. That may
// be when nobody is left to be told, the caller having left the loop. [State.Reset] makes
// an empty sequence of it.
type BrokenStateError struct {
	Err error // what failed
}

// Error says what failed and what helps.
func (e *BrokenStateError) Error() string {
	return fmt.Sprintf("mamba: the state could not be brought back to its tokens and has to be reset: %v", e.Err)
}

// Unwrap is what failed.
func (e *BrokenStateError) Unwrap() error { return e.Err }

// OptionError is returned for an option outside its range.
type OptionError struct {
	Name string
	Got  any
	Want string
}

// Error names the option, its value and what was expected.
func (e *OptionError) Error() string {
	return fmt.Sprintf("mamba: %s is %v, want %s", e.Name, e.Got, e.Want)
}

// TokenError is returned for a token id outside the model's vocabulary.
type TokenError struct {
	ID   int
	Size int // ids are 0 to Size-1
}

// Error names the id and the range.
func (e *TokenError) Error() string {
	return fmt.Sprintf("mamba: token id %d is outside the vocabulary of 0 to %d", e.ID, e.Size-1)
}
