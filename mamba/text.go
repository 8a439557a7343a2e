package mamba

import (
	"strings"

	"github.com/mambagpu/mambagpu/mamba/tokenizer"
)

// textStream turns tokens into text that is certain: of whole characters, and
// with nothing in it that may be the beginning of a stop string.
type textStream struct {
	decoder *tokenizer.Decoder // nil gives no text
	stop    []string
	held    string
}

func newTextStream(t *tokenizer.Tokenizer, stop []string) *textStream {
	s := &textStream{stop: stop}
	if t != nil {
		s.decoder = t.NewDecoder()
	}
	return s
}

// add takes a token and returns the text that became certain. stopped says
// that a stop string came; the text ends before it.
func (s *textStream) add(id int) (text string, stopped bool) {
	if s.decoder == nil {
		return "", false
	}
	piece, err := s.decoder.Write(id)
	if err != nil { // an id that the tokenizer does not know has no text
		return "", false
	}
	return s.release(piece)
}

// release adds a piece of text to what is held back and gives out what cannot
// belong to a stop string.
func (s *textStream) release(piece string) (text string, stopped bool) {
	s.held += piece
	if first := s.firstStop(); first >= 0 {
		text, s.held = s.held[:first], ""
		return text, true
	}
	n := len(s.held) - s.maybeStop()
	text, s.held = s.held[:n], s.held[n:]
	return text, false
}

// firstStop is where the first stop string in the held text begins, or -1. It
// is the one that ends first, and the longest of those, so that the pieces in
// which the text came make no difference.
func (s *textStream) firstStop() int {
	first, end := -1, len(s.held)+1
	for _, stop := range s.stop {
		i := strings.Index(s.held, stop)
		if i < 0 {
			continue
		}
		if e := i + len(stop); e < end || e == end && i < first {
			first, end = i, e
		}
	}
	return first
}

// maybeStop is the length of the longest end of the held text that begins a
// stop string.
func (s *textStream) maybeStop() int {
	longest := 0
	for _, stop := range s.stop {
		for n := min(len(stop)-1, len(s.held)); n > longest; n-- {
			if strings.HasSuffix(s.held, stop[:n]) {
				longest = n
			}
		}
	}
	return longest
}

// rest gives out what is held back at the end of generation.
func (s *textStream) rest() string {
	if s.decoder == nil {
		return ""
	}
	text, stopped := s.release(s.decoder.Flush())
	if !stopped {
		text += s.held
	}
	return text
}
