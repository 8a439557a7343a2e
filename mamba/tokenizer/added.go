package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is found in the text as a whole, before the text
// is split into words.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // only where no word character touches it
	LStrip     bool   `json:"lstrip"`      // takes the white space before it
	RStrip     bool   `json:"rstrip"`      // takes the white space after it
	Normalized bool   `json:"normalized"`  // looked for in the normalized text
	Special    bool   `json:"special"`
}

// section is a part of a text: an added token, or text between them (id -1).
type section struct {
	id   int
	text string
}

// matcher finds added tokens in a text: leftmost first, of several at one place
// the longest.
type matcher struct {
	tokens []*addedToken
	first  [256]bool // the bytes that tokens begin with
	nodes  []node    // a trie of the tokens' bytes; node 0 is the root
}

type node struct {
	next  map[byte]int
	token int // index of the token that ends here, or -1
}

// add makes m look for token, which is written as pattern. Of tokens with the
// same pattern the first one counts.
func (m *matcher) add(token *addedToken, pattern string) {
	if len(m.nodes) == 0 {
		m.nodes = []node{{token: -1}}
	}
	at := 0
	for i := range len(pattern) {
		next, ok := m.nodes[at].next[pattern[i]]
		if !ok {
			next = len(m.nodes)
			m.nodes = append(m.nodes, node{token: -1})
			if m.nodes[at].next == nil {
				m.nodes[at].next = make(map[byte]int, 1)
			}
			m.nodes[at].next[pattern[i]] = next
		}
		at = next
	}
	if m.nodes[at].token < 0 {
		m.nodes[at].token = len(m.tokens)
		m.tokens = append(m.tokens, token)
		m.first[pattern[0]] = true
	}
}

// find returns the first token at or after pos and its bounds; the token is nil
// if there is none.
func (m *matcher) find(text string, pos int) (token *addedToken, start, end int) {
	for start = pos; start < len(text); start++ {
		if !m.first[text[start]] {
			continue
		}
		at := 0
		for i := start; i < len(text); i++ {
			next, ok := m.nodes[at].next[text[i]]
			if !ok {
				break
			}
			at = next
			if t := m.nodes[at].token; t >= 0 {
				token, end = m.tokens[t], i+1
			}
		}
		if token != nil {
			return token, start, end
		}
	}
	return nil, len(text), len(text)
}

// split cuts text at the added tokens. White space that one token takes can hold
// another token, which is then found as well, unless lstrip and the token before
// leave nothing of it: Hugging Face's tokenizers do so.
func (m *matcher) split(text string) []section {
	if len(m.tokens) == 0 {
		return []section{{id: -1, text: text}}
	}
	var out []section
	done := 0
	for pos := 0; pos < len(text); {
		token, start, end := m.find(text, pos)
		if token == nil {
			break
		}
		pos = end
		if token.SingleWord && (endsWithWord(text[:start]) || startsWithWord(text[end:])) {
			continue
		}
		if token.LStrip {
			start = max(done, len(strings.TrimRightFunc(text[:start], unicode.IsSpace)))
		}
		if token.RStrip {
			end = len(text) - len(strings.TrimLeftFunc(text[end:], unicode.IsSpace))
		}
		if done < start {
			out = append(out, section{id: -1, text: text[done:start]})
		}
		if start < end {
			out = append(out, section{id: token.ID})
		}
		done = end
	}
	if done < len(text) {
		out = append(out, section{id: -1, text: text[done:]})
	}
	return out
}

func startsWithWord(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return isWord(r)
}

func endsWithWord(text string) bool {
	r, _ := utf8.DecodeLastRuneInString(text)
	return isWord(r)
}
