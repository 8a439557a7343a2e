package tokenizer

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"unicode/utf8"
)

// endOfText is the token between documents, and behind the last one.
const endOfText = "<|endoftext|>"

// TrainOptions say what [Train] makes. nil means the zero value.
type TrainOptions struct {
	// VocabSize is the number of tokens: the added ones, one for each byte, and
	// one for each pair that is joined. There are fewer if the text has too few
	// pairs. The zero value means 4096.
	VocabSize int
	// MinCount is how often a pair must occur to become a token. The zero value
	// means 2.
	MinCount int
	// AddedTokens are special tokens, which have the first ids and are not part
	// of words. nil means <|endoftext|> alone.
	AddedTokens []string
	// Progress, if set, is told how many tokens there are so far.
	Progress func(done, total int)
}

// Train learns a byte-level vocabulary from texts by byte pair encoding (arXiv
// 1508.07909; the pair that occurs most often is joined first, of equals the one
// of lower ids) and returns it as a tokenizer.json, which [Parse] and Hugging
// Face's tokenizers library read: normalization form C, words by the pattern of
// GPT-2. Added tokens that are written in a text separate its words and are not
// counted.
//
// The same texts in any order give the same bytes, and the vocabulary and merges
// are those of Hugging Face's BpeTrainer with the same settings. Errors:
// [*TrainError] and the context's.
func Train(ctx context.Context, texts iter.Seq[string], opts *TrainOptions) ([]byte, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	counts, err := countWords(ctx, texts, o.AddedTokens)
	if err != nil {
		return nil, err
	}
	l := newLearner(o, counts)
	if err := l.learn(ctx); err != nil {
		return nil, err
	}
	return l.file()
}

// filled is the options with their defaults in place, or a *TrainError.
func (o *TrainOptions) filled() (TrainOptions, error) {
	var f TrainOptions
	if o != nil {
		f = *o
	}
	if f.VocabSize == 0 {
		f.VocabSize = 4096
	}
	if f.MinCount == 0 {
		f.MinCount = 2
	}
	if f.AddedTokens == nil {
		f.AddedTokens = []string{endOfText}
	}
	for i, token := range f.AddedTokens {
		switch {
		case token == "" || !utf8.ValidString(token):
			return f, &TrainError{"AddedTokens", fmt.Sprintf("%q", token), "text in UTF-8 that is not empty"}
		case slices.Contains(f.AddedTokens[:i], token):
			return f, &TrainError{"AddedTokens", fmt.Sprintf("%q twice", token), "each token once"}
		case isByteToken(token):
			return f, &TrainError{"AddedTokens", fmt.Sprintf("%q, which stands for a byte", token), "another text"}
		}
	}
	if f.MinCount < 1 {
		return f, &TrainError{"MinCount", fmt.Sprint(f.MinCount), "1 or more"}
	}
	if least := len(f.AddedTokens) + len(runeByte); f.VocabSize < least || f.VocabSize > maxID {
		return f, &TrainError{"VocabSize", fmt.Sprint(f.VocabSize),
			fmt.Sprintf("%d to %d: each byte has a token, and so has each added one", least, maxID)}
	}
	return f, nil
}

// isByteToken reports whether a piece is the vocabulary's word for one byte.
func isByteToken(piece string) bool {
	r, size := utf8.DecodeRuneInString(piece)
	_, ok := runeByte[r]
	return ok && size == len(piece)
}

// countWords counts the words of the normalized texts, as Encode splits them.
func countWords(ctx context.Context, texts iter.Seq[string], added []string) (map[string]int64, error) {
	var find matcher
	for _, token := range added {
		find.add(&addedToken{Content: token}, token)
	}
	counts := map[string]int64{}
	for text := range texts {
		for _, s := range find.split(text) {
			if s.text == "" {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			countWordsOf(counts, nfc(s.text))
		}
	}
	return counts, nil
}

func countWordsOf(counts map[string]int64, text string) {
	for len(text) > 0 {
		n := nextWord(text)
		counts[text[:n]]++
		text = text[n:]
	}
}
