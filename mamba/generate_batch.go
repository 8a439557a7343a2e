package mamba

import (
	"context"
	"iter"
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
			g := &generation{model: m, opts: o, ends: m.endTokens(), yield: yield}
			err = g.run(ctx, prompts)
		}
		if err != nil {
			yield(RowToken{Token: Token{ID: NoToken}}, err)
		}
	}
}

// generation is one run of GenerateBatch.
type generation struct {
	model *Model
	opts  GenerateOptions
	ends  map[int]bool
	yield func(RowToken, error) bool
}

// line is a sequence that is being generated.
type line struct {
	row     int
	state   *State
	ids     []int // that its state has not had, the pending one excepted
	sampler *sampler
	text    *textStream
	count   int // tokens chosen
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
		lines[i] = g.newLine(i, state, ids)
	}
	progress := g.opts.OnPrefill
	for len(lines) > 0 {
		ids, err := g.choose(ctx, lines, progress)
		if err != nil {
			return err
		}
		left := lines[:0]
		for k, l := range lines {
			more, stopped := g.step(l, ids[k])
			if stopped {
				return nil
			}
			if more {
				left = append(left, l)
			}
		}
		lines, progress = left, nil
	}
	return nil
}

func (g *generation) newLine(row int, state *State, ids []int) *line {
	l := &line{row: row, state: state, ids: ids}
	l.sampler = newSampler(g.opts, g.model.choices())
	if l.sampler.penalises() {
		state.seen.each(l.sampler.note)
		for _, id := range state.withPending(ids) {
			l.sampler.note(id)
		}
	}
	l.text = newTextStream(g.model.tokenizer, g.opts.Stop)
	return l
}

// choose takes every line's state on by its ids and chooses the token after
// them.
func (g *generation) choose(ctx context.Context, lines []*line, progress func(done, total int)) ([]int, error) {
	states, rows := make([]*State, len(lines)), make([][]int, len(lines))
	for i, l := range lines {
		states[i], rows[i] = l.state, l.ids
	}
	if lines[0].sampler.onDevice() {
		return g.model.greedy(ctx, states, rows, progress)
	}
	r, err := g.model.advance(ctx, states, rows, lastLogits, &advanceOptions{progress: progress})
	if err != nil {
		return nil, err
	}
	if err := finiteRows(r.logits); err != nil {
		return nil, err
	}
	ids := make([]int, len(lines))
	for i, l := range lines {
		l.sampler.seek(l.state.tokens)
		ids[i] = l.sampler.choose(r.logits[i])
	}
	return ids, nil
}

// step gives out a line's next token. more says whether the line goes on,
// stopped that the caller wants no more of any.
func (g *generation) step(l *line, id int) (more, stopped bool) {
	l.state.hold(id)
	if g.ends[id] && !g.opts.IgnoreEOS {
		return false, !g.rest(l)
	}
	l.sampler.note(id)
	l.ids = nil
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
