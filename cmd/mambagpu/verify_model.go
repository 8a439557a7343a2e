package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/tokenizer"
)

// logitTolerance bounds the error of logits, relative to the largest value that
// is expected.
const logitTolerance = 1e-4

// closeMargin is the distance of the best two logits below which rounding may
// decide between two tokens.
const closeMargin = 1e-3

// The checks of a case.
const (
	checkTokens = "tokens" // the prompt's token ids: worst is how many differ
	checkLogits = "logits" // after the prompt: worst is the relative error
	checkGreedy = "greedy" // the likeliest tokens: worst is how many were not reached
)

// modelPart is a model held against its expected.json.
type modelPart struct {
	Model string    `json:"model"`
	Pass  bool      `json:"pass"`
	Cases []verdict `json:"cases"`
}

// verdict is the result of one check of one case.
type verdict struct {
	Case      int      `json:"case"` // from 1
	Check     string   `json:"check"`
	Worst     *float64 `json:"worst"` // null if not a number
	Tolerance float64  `json:"tolerance"`
	Pass      bool     `json:"pass"`
	Note      string   `json:"note,omitempty"` // what failed

	name string // of the case
}

// verifyModel runs the cases on the model, which it loads onto the adapter.
func (a *app) verifyModel(ctx context.Context, from source, cases []expectation, adapter string) (*modelPart, error) {
	model, err := a.load(ctx, from, device{adapter: adapter})
	if err != nil {
		return nil, err
	}
	defer model.Close()
	part := &modelPart{Model: from.name(), Pass: true}
	bar := a.newProgress("verifying "+from.name(), unitCases)
	defer bar.close()
	for i, c := range cases {
		bar.update(int64(i), int64(len(cases)))
		verdicts, err := c.verify(ctx, model.Model)
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		if err != nil {
			return nil, fmt.Errorf("case %d: %s", i+1, message(err))
		}
		for _, r := range verdicts {
			r.Case, r.name = i+1, c.name()
			part.Pass = part.Pass && r.Pass
			part.Cases = append(part.Cases, r)
		}
	}
	return part, nil
}

// count returns how many checks there were and what failed.
func (p *modelPart) count() (checks int, failures []string) {
	for _, c := range p.Cases {
		if !c.Pass {
			failures = append(failures, fmt.Sprintf("case %d   %s, %s: %s", c.Case, c.name, c.Check, c.Note))
		}
	}
	return len(p.Cases), failures
}

func (p *modelPart) print(a *app) {
	fmt.Fprintf(a.stdout, "\nModel %s against the reference implementation\n\n", p.Model)
	t := newTable(a.stdout)
	t.AppendHeader(table.Row{"", "case", "check", "worst error", "tolerance", "pass"})
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 4, Align: text.AlignRight}, {Number: 5, Align: text.AlignRight}})
	for i, c := range p.Cases {
		number, name := "", ""
		if i == 0 || p.Cases[i-1].Case != c.Case {
			number, name = fmt.Sprint(c.Case), c.name
		}
		t.AppendRow(table.Row{number, name, c.Check, formatError(c), fmt.Sprint(c.Tolerance), yesNo(c.Pass)})
	}
	t.Render()
}

func formatError(v verdict) string {
	switch {
	case v.Worst == nil:
		return "not a number"
	case v.Check == checkLogits:
		return fmt.Sprintf("%.1e", *v.Worst)
	}
	return fmt.Sprintf("%.0f ids", *v.Worst)
}

// verify runs all checks of the case.
func (e *expectation) verify(ctx context.Context, m *mamba.Model) ([]verdict, error) {
	var out []verdict
	if tok := m.Tokenizer(); tok != nil && e.Prompt != nil {
		out = append(out, e.compareTokens(tok))
	}
	state, err := m.NewState()
	if err != nil {
		return nil, err
	}
	defer state.Close()
	logits, err := m.Prefill(ctx, state, e.IDs)
	if errors.Is(err, mamba.ErrNotFinite) {
		return append(out, notFinite(checkLogits, err)), nil
	}
	if err != nil {
		return nil, err
	}
	out = append(out, e.compareLogits(logits))
	ids, err := greedy(ctx, m, state, logits, len(e.GreedyIDs))
	if errors.Is(err, mamba.ErrNotFinite) {
		return append(out, notFinite(checkGreedy, err)), nil
	}
	if err != nil {
		return nil, err
	}
	return append(out, e.compareGreedy(ids)), nil
}

// notFinite is the verdict on a device that computes no numbers.
func notFinite(check string, err error) verdict {
	return verdict{Check: check, Note: message(err)}
}

// greedy returns n ids, each the likeliest after those before it, beginning with
// the likeliest of logits. No token ends the text.
func greedy(ctx context.Context, m *mamba.Model, s *mamba.State, logits []float32, n int) ([]int, error) {
	ids := []int{argmax(logits)}
	for len(ids) < n {
		next, err := m.Step(ctx, []*mamba.State{s}, ids[len(ids)-1:])
		if err != nil {
			return nil, err
		}
		ids = append(ids, argmax(next[0]))
	}
	return ids, nil
}

// argmax returns the index of the largest value, the first of several.
func argmax(v []float32) int {
	best := 0
	for i := range v {
		if v[i] > v[best] {
			best = i
		}
	}
	return best
}

func (e *expectation) compareTokens(tok *tokenizer.Tokenizer) verdict {
	return compareIDs(checkTokens, tok.Encode(*e.Prompt), e.IDs)
}

func (e *expectation) compareGreedy(ids []int) verdict {
	v := compareIDs(checkGreedy, ids, e.GreedyIDs)
	if !v.Pass && e.MinMargin != nil && *e.MinMargin < closeMargin {
		v.Note += fmt.Sprintf("; the best two logits are as close as %.2g in this case, so that rounding may decide", *e.MinMargin)
	}
	return v
}

// compareIDs counts the ids from the first difference on: after it they belong
// to different texts.
func compareIDs(check string, got, want []int) verdict {
	same := 0
	for same < len(got) && same < len(want) && got[same] == want[same] {
		same++
	}
	worst := float64(max(len(got), len(want)) - same)
	v := verdict{Check: check, Worst: &worst, Pass: worst == 0}
	if !v.Pass {
		v.Note = fmt.Sprintf("id %d is %s, want %s", same, idAt(got, same), idAt(want, same))
	}
	return v
}

func idAt(ids []int, i int) string {
	if i < len(ids) {
		return fmt.Sprint(ids[i])
	}
	return "missing"
}

// compareLogits gives the largest error of the logits, their maximum and their
// logsumexp, relative to the largest value expected of all these.
func (e *expectation) compareLogits(logits []float32) verdict {
	v := verdict{Check: checkLogits, Tolerance: logitTolerance}
	if len(logits) < len(e.First) {
		v.Note = fmt.Sprintf("%d logits, want %d or more", len(logits), len(e.First))
		return v
	}
	names, got, want := e.values(logits)
	scale := 0.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	worst := 0.0
	for i := range want {
		diff := math.Abs(got[i] - want[i])
		if scale > 0 {
			diff /= scale
		}
		if !(diff <= logitTolerance) && v.Note == "" {
			v.Note = fmt.Sprintf("%s is %.7g, want %.7g", names[i], got[i], want[i])
		}
		worst = max(worst, diff) // NaN stays
	}
	v.Pass = worst <= logitTolerance
	if !math.IsNaN(worst) && !math.IsInf(worst, 0) {
		v.Worst = &worst
	}
	return v
}

// values pairs what the logits give with what is expected.
func (e *expectation) values(logits []float32) (names []string, got, want []float64) {
	for i, w := range e.First {
		names = append(names, fmt.Sprintf("logit %d", i))
		got, want = append(got, float64(logits[i])), append(want, w)
	}
	names = append(names, "the largest logit", "logsumexp")
	got = append(got, float64(slices.Max(logits)), logSumExp(logits))
	return names, got, append(want, *e.Max, *e.LogSumExp)
}

func logSumExp(v []float32) float64 {
	top := float64(slices.Max(v))
	sum := 0.0
	for _, x := range v {
		sum += math.Exp(float64(x) - top)
	}
	return top + math.Log(sum)
}

// name is the prompt, or what stands for it.
func (e *expectation) name() string {
	const most = 32
	if e.Prompt != nil {
		return clip(fmt.Sprintf("%q", *e.Prompt), most)
	}
	return clip("ids "+joinIDs(e.IDs), most)
}
