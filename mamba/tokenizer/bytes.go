package tokenizer

import "unicode/utf8"

// runeByte is the byte-level alphabet: the byte that each of 256 printable
// characters stands for in the vocabulary. Printable bytes of Latin-1 stand for
// themselves, the others for the characters from U+0100 on, in order (space is
// U+0120, 'Ġ').
var runeByte = byteAlphabet()

func byteAlphabet() map[rune]byte {
	toByte := make(map[rune]byte, 256)
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		printable := '!' <= r && r <= '~' || '¡' <= r && r <= '¬' || '®' <= r && r <= 'ÿ'
		if !printable {
			r = next
			next++
		}
		toByte[r] = byte(b)
	}
	return toByte
}

// pieceBytes returns the bytes that a vocabulary string stands for; ok is false
// if it has a character outside the byte-level alphabet.
func pieceBytes(piece string) (text string, ok bool) {
	out := make([]byte, 0, len(piece))
	for _, r := range piece {
		b, known := runeByte[r]
		if !known {
			return "", false
		}
		out = append(out, b)
	}
	return string(out), true
}

// appendLossy appends b to dst, with U+FFFD for what is not UTF-8: one for each
// longest run of bytes that begins a character but does not finish it, and one
// for each other stray byte (Unicode, section 3.9, "maximal subparts").
func appendLossy(dst, b []byte) []byte {
	for len(b) > 0 {
		n, valid := leading(b)
		if valid {
			dst = append(dst, b[:n]...)
		} else {
			dst = append(dst, "\uFFFD"...)
		}
		b = b[n:]
	}
	return dst
}

// leading returns the length of the first character of b, or of the bytes that
// one U+FFFD replaces.
func leading(b []byte) (n int, valid bool) {
	if r, size := utf8.DecodeRune(b); r != utf8.RuneError || size > 1 {
		return size, true
	}
	for n := min(utf8.UTFMax-1, len(b)); n > 1; n-- {
		if !utf8.FullRune(b[:n]) {
			return n, false
		}
	}
	return 1, false
}

// completeLen returns how many bytes of b do not depend on bytes to come: all
// of b but the beginning of a character at its end.
func completeLen(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return len(b) - n
			}
			break
		}
	}
	return len(b)
}
