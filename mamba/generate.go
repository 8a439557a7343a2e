package mamba

import (
	"context"
	"iter"
	"math"
	"strconv"
	"unicode/utf8"
)

// GenerateOptions say how tokens are chosen and where generation ends. nil
// means the zero value: greedy, at most 256 tokens.
type GenerateOptions struct {
	// MaxTokens is the most tokens generated. The zero value means 256.
	MaxTokens int
	// Temperature divides the logits before a token is drawn. The zero value
	// means greedy: the most probable token is taken.
	Temperature float64
	// TopK draws from the k most probable tokens only. The zero value means
	// all.
	TopK int
	// TopP draws from the smallest set of most probable tokens whose
	// probability reaches p, of those that TopK leaves. The zero value means
	// all. Tokens e^32 times less probable than the best are never drawn.
	TopP float64
	// MinP draws from the tokens whose probability is at least p times the
	// largest. The zero value means all.
	MinP float64
	// RepetitionPenalty divides positive logits of tokens that the sequence
	// has, State's included, and multiplies negative ones. The zero value means
	// 1, no penalty.
	RepetitionPenalty float64
	// Seed makes drawing repeatable: the same seed, model, device and prompt
	// give the same text. What is drawn at a place of the sequence depends on
	// the seed and the place alone, so that it is the same in one run or in
	// several that go on from a State.
	Seed uint64
	// Stop ends generation as soon as the text has one of these strings, which
	// is not given out. They are UTF-8.
	Stop []string
	// IgnoreEOS goes on past the end-of-text token.
	IgnoreEOS bool
	// State is the sequence that the prompt continues; the prompt may be empty
	// where State has a pending token. Afterwards State has the prompt and the
	// tokens chosen, the last of them pending: the end-of-text token where that
	// ended generation. If that fails, it is a [*BrokenStateError] for whoever uses State
	// next. The zero value means a new sequence.
	State *State
	// OnPrefill, if set, is told how many tokens of the prompt are done. It
	// must not call methods of the model or its states.
	OnPrefill func(done, total int)
}

// defaultMaxTokens is the zero value of GenerateOptions.MaxTokens.
const defaultMaxTokens = 256

// NoToken is the ID of a Token that only gives out text held back before, and
// what [State.Pending] is of a state without pending token.
const NoToken = -1

// Token is one step of generation.
type Token struct {
	// ID is the token chosen, or NoToken.
	ID int
	// Text is the text that became certain with it, of whole characters; it
	// may be empty, and holds what earlier tokens began.
	Text string
}

// Generate continues a prompt and yields each token as it is chosen. It ends
// after MaxTokens, at the end-of-text token (which is not yielded), before a
// stop string, when ctx ends (with its error) or when the caller stops.
// Padding rows of the vocabulary are never chosen. Errors: [ErrNoTokenizer],
// [*OptionError], those of Prefill.
func (m *Model) Generate(ctx context.Context, prompt string, opts *GenerateOptions) iter.Seq2[Token, error] {
	if m.tokenizer == nil {
		return failed(ErrNoTokenizer)
	}
	return m.GenerateIDs(ctx, m.tokenizer.Encode(prompt), opts)
}

// GenerateIDs is [Model.Generate] of a prompt of token ids. A model without
// tokenizer yields no text.
func (m *Model) GenerateIDs(ctx context.Context, ids []int, opts *GenerateOptions) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		for t, err := range m.GenerateBatch(ctx, [][]int{ids}, opts) {
			if !yield(t.Token, err) {
				return
			}
		}
	}
}

func failed(err error) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) { yield(Token{ID: NoToken}, err) }
}

// choices is the number of vocabulary rows that stand for a token.
func (m *Model) choices() int {
	if m.tokenizer == nil {
		return m.config.VocabSize
	}
	return min(m.tokenizer.VocabSize(), m.config.VocabSize)
}

func (o *GenerateOptions) check(m *Model) error {
	bad := func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) || v < 0 }
	if o.MaxTokens == 0 {
		o.MaxTokens = defaultMaxTokens
	}
	switch {
	case o.MaxTokens < 0:
		return &OptionError{"MaxTokens", o.MaxTokens, "0 or more"}
	case bad(o.Temperature):
		return &OptionError{"Temperature", o.Temperature, "0 (greedy) or a positive number"}
	case o.TopK < 0:
		return &OptionError{"TopK", o.TopK, "0 (all) or more"}
	case bad(o.TopP) || o.TopP > 1:
		return &OptionError{"TopP", o.TopP, "0 (all) to 1"}
	case bad(o.MinP) || o.MinP > 1:
		return &OptionError{"MinP", o.MinP, "0 (all) to 1"}
	case bad(o.RepetitionPenalty):
		return &OptionError{"RepetitionPenalty", o.RepetitionPenalty, "0 (none) or a positive number"}
	case len(o.Stop) > 0 && m.tokenizer == nil:
		return &OptionError{"Stop", o.Stop, "none, since the model has no tokenizer"}
	}
	for _, s := range o.Stop {
		if s == "" || !utf8.ValidString(s) {
			return &OptionError{"Stop", strconv.Quote(s), "strings of UTF-8 that are not empty"}
		}
	}
	return nil
}

// endTokens are the ids that end a text.
func (m *Model) endTokens() map[int]bool {
	ends := map[int]bool{}
	for _, id := range m.config.EOS {
		ends[id] = true
	}
	if len(ends) == 0 && m.tokenizer != nil {
		if id, ok := m.tokenizer.EndOfText(); ok {
			ends[id] = true
		}
	}
	return ends
}
