package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxFastMarks is the longest run of combining characters left to the norm
// package, which breaks runs of more than 30 marks with U+034F (Unicode Standard
// Annex 15, "stream-safe text"). One character decomposes into at most three
// marks, so this stays below 30 with the character before the run included.
const maxFastMarks = 8

// nfc returns text in Unicode normalization form C. Bytes that are not UTF-8 are
// copied.
func nfc(text string) string {
	var out strings.Builder
	done := 0
	for pos := 0; pos < len(text); {
		start, end, marks := cluster(text, pos)
		if marks > maxFastMarks {
			out.WriteString(norm.NFC.String(text[done:start]))
			out.WriteString(nfcCluster(text[start:end]))
			done = end
		}
		pos = end
	}
	if done == 0 {
		return norm.NFC.String(text)
	}
	out.WriteString(norm.NFC.String(text[done:]))
	return out.String()
}

// cluster returns the bounds of a character and the combining characters after
// it, which begin at pos, and how many of those there are.
func cluster(text string, pos int) (start, end, marks int) {
	start = pos
	_, size := utf8.DecodeRuneInString(text[pos:])
	end = pos + size
	for end < len(text) && text[end] >= utf8.RuneSelf {
		r, size := utf8.DecodeRuneInString(text[end:])
		if r == utf8.RuneError || norm.NFC.PropertiesString(text[end:]).BoundaryBefore() {
			break
		}
		end += size
		marks++
	}
	return start, end, marks
}

// nfcCluster returns text in normalization form C by the steps of the standard:
// decompose, order the marks, compose.
func nfcCluster(text string) string {
	if r, size := utf8.DecodeRuneInString(text); r == utf8.RuneError && size == 1 {
		return text[:1] + nfcCluster(text[1:])
	}
	runes := decompose(text)
	orderMarks(runes)
	return string(compose(runes))
}

func decompose(text string) []rune {
	runes := make([]rune, 0, len(text))
	for _, r := range text {
		if full := norm.NFD.PropertiesString(string(r)).Decomposition(); full != nil {
			runes = append(runes, []rune(string(full))...)
		} else {
			runes = append(runes, r)
		}
	}
	return runes
}

// orderMarks sorts each run of marks by combining class.
func orderMarks(runes []rune) {
	for i := 0; i < len(runes); {
		end := i
		for end < len(runes) && combiningClass(runes[end]) != 0 {
			end++
		}
		slices.SortStableFunc(runes[i:end], func(a, b rune) int {
			return int(combiningClass(a)) - int(combiningClass(b))
		})
		i = end + 1
	}
}

// compose joins each starter with the marks after it that no other mark blocks.
func compose(runes []rune) []rune {
	out := make([]rune, 0, len(runes))
	starter := -1
	for _, r := range runes {
		ccc := combiningClass(r)
		if starter >= 0 {
			adjacent := starter == len(out)-1
			if adjacent || combiningClass(out[len(out)-1]) < ccc {
				if joined, ok := composePair(out[starter], r); ok {
					out[starter] = joined
					continue
				}
			}
		}
		if ccc == 0 {
			starter = len(out)
		}
		out = append(out, r)
	}
	return out
}

func composePair(a, b rune) (rune, bool) {
	both := []rune(norm.NFC.String(string([]rune{a, b})))
	return both[0], len(both) == 1
}

func combiningClass(r rune) uint8 {
	return norm.NFD.PropertiesString(string(r)).CCC()
}
