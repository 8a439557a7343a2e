package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mambagpu/mambagpu/bench"
	"github.com/mambagpu/mambagpu/mamba/train"
)

// unitSteps counts updates.
const unitSteps unit = "steps"

// trainProgress shows how a training goes: a bar on a terminal, lines elsewhere, and a
// line for each evaluation.
type trainProgress struct {
	app    *app
	dir    string
	steps  int // of the whole run
	batch  string
	tokens int // of the training text
	now    func() time.Time
	bar    *progress
	curve  bench.LossCurve

	parameters int64
	first      int // the step that this process went on from
	begun      time.Time
	seen       int64 // tokens trained on before that
	trained    int64 // tokens since
	shown      time.Time
}

func newTrainProgress(a *app, o trainOptions) *trainProgress {
	batch := fmt.Sprintf("%d x %s", o.trainer.Batch, formatCount(int64(o.trainer.SeqLen)))
	if o.run.Accumulate > 1 {
		batch = fmt.Sprintf("%d x %s", o.run.Accumulate, batch)
	}
	return &trainProgress{app: a, dir: o.run.Dir, steps: o.run.Steps, batch: batch, tokens: len(o.run.Data), now: time.Now,
		bar: a.newProgress("training", unitSteps)}
}

// start says what is going to be done. A run that goes on has a part of its curve
// behind it.
func (p *trainProgress) start(t *train.Trainer, step int) {
	c := t.Config()
	p.parameters, p.first = c.Parameters(), step
	p.begun = p.now()
	p.shown = p.begun
	w := p.app.stderr
	fmt.Fprintf(w, "%s parameters on %s; %s steps of %s tokens out of %s\n", formatCount(p.parameters), t.AdapterInfo().Name,
		formatCount(int64(p.steps)), p.batch, formatCount(int64(p.tokens)))
	if step > 0 {
		fmt.Fprintf(w, "going on after step %s\n", formatCount(int64(step)))
	}
	p.curve.Title = fmt.Sprintf("Training of %s, %s parameters", filepath.Base(p.dir), formatCount(p.parameters))
	if past, err := train.ReadMetrics(p.dir); err == nil {
		for _, m := range past {
			p.note(m)
		}
	}
}

// note adds a metric to the curve.
func (p *trainProgress) note(m train.Metric) {
	if t := m.Trained; t != nil {
		p.curve.Steps, p.curve.Losses = append(p.curve.Steps, m.Step), append(p.curve.Losses, t.Loss)
		if m.Step == p.first {
			p.seen = t.Tokens
		}
		p.trained = t.Tokens - p.seen
	}
	if v := m.Validated; v != nil {
		p.curve.ValidSteps, p.curve.Valids = append(p.curve.ValidSteps, m.Step), append(p.curve.Valids, v.Loss)
	}
}

// metric shows a step or an evaluation.
func (p *trainProgress) metric(m train.Metric) {
	p.note(m)
	if v := m.Validated; v != nil {
		p.line(fmt.Sprintf("step %s: validation loss %.4f, perplexity %.3f", formatCount(int64(m.Step)), v.Loss, v.Perplexity))
		return
	}
	if p.bar.tty {
		p.bar.rename(fmt.Sprintf("loss %.3f, %s tokens/s, %s left", p.loss(), formatRate(p.rate()), p.left(m.Step)))
		p.bar.update(int64(m.Step), int64(p.steps))
		return
	}
	now := p.now()
	last := m.Step == p.steps
	if first := m.Step == p.first+1; first || last || now.Sub(p.shown) >= linesEvery {
		p.shown = now
		text := fmt.Sprintf("step %s of %s: loss %.4f, %s tokens/s", formatCount(int64(m.Step)), formatCount(int64(p.steps)), p.loss(), formatRate(p.rate()))
		if !last {
			text += ", " + p.left(m.Step) + " left"
		}
		p.line(text)
	}
}

// line prints a line, above the bar if there is one.
func (p *trainProgress) line(text string) {
	p.bar.mu.Lock()
	defer p.bar.mu.Unlock()
	if p.bar.bar != nil {
		p.bar.bar.Clear()
	}
	fmt.Fprintln(p.app.stderr, text)
}

// loss is the mean of the last steps.
func (p *trainProgress) loss() float64 {
	const most = 20
	last := p.curve.Losses[max(0, len(p.curve.Losses)-most):]
	sum := 0.0
	for _, l := range last {
		sum += l
	}
	return sum / float64(len(last))
}

// rate is tokens per second of this process, evaluations included.
func (p *trainProgress) rate() float64 { return rate(int(p.trained), p.now().Sub(p.begun)) }

// left is the time that the other steps will take.
func (p *trainProgress) left(step int) string {
	each := p.now().Sub(p.begun) / time.Duration(max(1, step-p.first))
	return (each * time.Duration(p.steps-step)).Round(time.Second).String()
}

func (p *trainProgress) close() { p.bar.close() }

// draw draws the curve into the run's folder. It is no reason to stop if that fails.
func (p *trainProgress) draw() {
	for _, format := range []string{"svg", "png"} {
		file := filepath.Join(p.dir, "loss."+format)
		if err := saveFile(file, func(w io.Writer) error { return p.curve.Write(w, format) }); err != nil {
			p.line("mambagpu: " + strings.TrimSpace(message(err)))
		}
	}
}

// trained is what came of train; it is what --json prints.
type trained struct {
	Out        string   `json:"out"`
	Adapter    string   `json:"adapter"`
	Parameters int64    `json:"parameters"`
	Steps      int      `json:"steps"`
	Tokens     int64    `json:"tokens"`
	Seconds    float64  `json:"seconds"`
	Rate       float64  `json:"tokens_per_s"`
	Loss       float64  `json:"loss"`
	BestStep   int      `json:"best_step"`
	ValidLoss  *float64 `json:"valid_loss"`
	Perplexity *float64 `json:"valid_perplexity"`
}

func (p *trainProgress) summary(r train.RunResult) trained {
	t := trained{Out: p.dir, Adapter: r.Adapter, Parameters: p.parameters, Steps: r.Steps, Tokens: r.Tokens,
		Seconds: r.Seconds, Loss: r.Loss, BestStep: r.Best.Step}
	if r.Seconds > 0 {
		t.Rate = float64(r.Tokens) / r.Seconds
	}
	if len(p.curve.Valids) > 0 {
		loss, perplexity := r.Best.Loss, r.Best.Perplexity()
		t.ValidLoss, t.Perplexity = &loss, &perplexity
	}
	return t
}

func (a *app) printTrained(r trained) {
	t := newTable(a.stdout)
	t.AppendRow(table.Row{"model", r.Out})
	if r.ValidLoss != nil {
		t.AppendRow(table.Row{"validation", fmt.Sprintf("loss %.4f, perplexity %.3f at step %s, the best", *r.ValidLoss, *r.Perplexity, formatCount(int64(r.BestStep)))})
	}
	t.AppendRows([]table.Row{
		{"training", fmt.Sprintf("loss %.4f at step %s", r.Loss, formatCount(int64(r.Steps)))},
		{"speed", fmt.Sprintf("%s tokens in %s, %s tokens/s", formatCount(r.Tokens), time.Duration(r.Seconds*float64(time.Second)).Round(time.Second), formatRate(r.Rate))},
		{"adapter", r.Adapter},
	})
	t.Render()
}
