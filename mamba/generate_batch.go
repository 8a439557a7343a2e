package mamba

import (
	"context"
	"iter"
	"slices"
)

// RowToken is a step of generation of one of several sequences.
type RowToken struct {
	Row int // index of the prompt
	Token
}

// GenerateBatch continues several prompts of token ids at once, of any lengths,
// and yields each token of each as it is chosen; the tokens of one row come in
// order, and are those that GenerateIDs yields of its prompt alone. A row ends by
// itself; the others go on. Options are for every row; State only with a single
// prompt. Errors are those of Generate.
func (m *Model) GenerateBatch(ctx context.Context, prompts [][]int, opts *GenerateOptions) iter.Seq2[RowToken, error] {
	var o GenerateOptions
	if opts != nil {
		o = *opts
	}
	return func(yield func(RowToken, error) bool) {
		err := o.check(m)
		if err == nil && o.State != nil && len(prompts) != 1 {
			err = &OptionError{"State", "given", "none with several prompts"}
		}
		if err == nil {
			g := &generation{model: m, opts: o, choice: o.choice(m.choices()), ends: m.endTokens(), yield: yield}
			err = g.run(ctx, prompts)
		}
		if err != nil {
			yield(RowToken{Token: Token{ID: NoToken}}, err)
		}
	}
}

// generation is one run of GenerateBatch.
type generation struct {
	model  *Model
	opts   GenerateOptions
	choice choice
	ends   map[int]bool
	yield  func(RowToken, error) bool
}

// line is a sequence that is being generated.
type line struct {
	row   int
	state *State
	ids   []int // its prompt
	token int   // the last of its tokens, which its state has not had
	text  *textStream
	count int // tokens chosen
	ended bool
}

func (g *generation) run(ctx context.Context, prompts [][]int) error {
	lines := make([]*line, len(prompts))
	for i, ids := range prompts {
		state := g.opts.State
		if state == nil {
			s, err := g.model.NewState()
			if err != nil {
				return err
			}
			defer s.Close()
			state = s
		}
		lines[i] = &line{row: i, state: state, ids: ids, text: newTextStream(g.model.tokenizer, g.opts.Stop)}
	}
	total, err := g.prefill(ctx, lines)
	if err != nil {
		return err
	}
	return g.decode(ctx, lines, func() {
		if f := g.opts.OnPrefill; f != nil && total > 0 {
			f(total, total)
		}
	})
}

// prefill takes all of the prompts in but their last tokens, which become pending,
// and returns the number of all of their tokens. Of the progress it leaves the end
// to be told when the last tokens have gone in.
func (g *generation) prefill(ctx context.Context, lines []*line) (total int, err error) {
	var states, all []*State
	var rests [][]int
	for _, l := range lines {
		whole := l.state.withPending(l.ids)
		if _, err := g.model.checkIDs(whole); err != nil {
			return 0, err
		}
		total += len(whole)
		l.token = whole[len(whole)-1]
		all = append(all, l.state)
		if len(whole) > 1 { // then the prompt is not empty
			states, rests = append(states, l.state), append(rests, l.ids[:len(l.ids)-1])
		}
	}
	var opts advanceOptions
	if f, rest := g.opts.OnPrefill, total-len(lines); f != nil {
		opts.progress = func(done, _ int) {
			if done < rest {
				f(done, total)
			}
		}
	}
	if _, err := g.model.advance(ctx, states, rests, onlyState, &opts); err != nil {
		return 0, err
	}
	g.model.mu.Lock()
	defer g.model.mu.Unlock()
	if err := g.model.check(ctx, all); err != nil {
		return 0, err
	}
	for _, l := range lines {
		l.state.pending = l.token
	}
	return total, nil
}

// seen is the set of the line's tokens.
func (l *line) seen() idSet {
	s := slices.Clone(l.state.seen)
	if s == nil {
		s = newIDSet(l.state.model.config.VocabSize)
	}
	s.add(l.token)
	return s
}

// step gives out a line's next token. more says whether the line goes on,
// stopped that the caller wants no more of any.
func (g *generation) step(l *line, id int) (more, stopped bool) {
	l.state.hold(id)
	l.token = id
	if g.ends[id] && !g.opts.IgnoreEOS {
		return false, !g.rest(l)
	}
	l.count++
	piece, ended := l.text.add(id)
	if !g.yield(RowToken{l.row, Token{id, piece}}, nil) {
		return false, true
	}
	if ended {
		return false, false
	}
	if l.count == g.opts.MaxTokens {
		return false, !g.rest(l)
	}
	return true, false
}

// rest gives out what text a line holds back, and reports whether the caller
// wants more.
func (g *generation) rest(l *line) bool {
	text := l.text.rest()
	return text == "" || g.yield(RowToken{l.row, Token{NoToken, text}}, nil)
}
