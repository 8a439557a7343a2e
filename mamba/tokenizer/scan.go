package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// splitPattern is the pattern of GPT-2 that nextWord implements. Go's regexp
// package has no lookahead, and a scanner by hand is many times faster.
const splitPattern = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// nextWord returns the length of the first match of splitPattern in text, which
// is not empty. The pattern matches every text whole, without gaps.
func nextWord(text string) int {
	if n := contraction(text); n > 0 {
		return n
	}
	first, size := runeClass(text)
	if first != space {
		return size + runLen(text[size:], first)
	}
	if text[0] == ' ' && len(text) > 1 {
		if c, _ := runeClass(text[1:]); c != space {
			return 1 + runLen(text[1:], c)
		}
	}
	return spaces(text)
}

// contraction returns the length of an English ending such as 're, or 0.
func contraction(text string) int {
	if text[0] != '\'' {
		return 0
	}
	for _, ending := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(text, ending) {
			return len(ending)
		}
	}
	return 0
}

// spaces returns the length of the white space that begins text, without its
// last character where a word follows: that one belongs to the word if it is a
// plain space, and stands alone if not.
func spaces(text string) int {
	run := runLen(text, space)
	if run == len(text) {
		return run
	}
	_, last := utf8.DecodeLastRuneInString(text[:run])
	if run > last {
		return run - last
	}
	return run
}

// runLen returns the length of the characters of class c that begin text.
func runLen(text string, c class) int {
	n := 0
	for n < len(text) {
		next, size := runeClass(text[n:])
		if next != c {
			break
		}
		n += size
	}
	return n
}

// runeClass returns the class and length of the first character of text; a byte
// that is not UTF-8 is a character of class other.
func runeClass(text string) (class, int) {
	if text[0] < utf8.RuneSelf {
		return asciiClass[text[0]], 1
	}
	r, size := utf8.DecodeRuneInString(text)
	return classOf(r), size
}
