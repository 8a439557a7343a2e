package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/spf13/cobra"
)

// shippedPrompt begins a text that the model that ships knows how to go on with.
const shippedPrompt = "Call me Ishmael."

// The reasons for which generation ends.
const (
	finishLength      = "length"      // --max-tokens
	finishEOS         = "eos"         // the model ended the text
	finishStop        = "stop"        // a --stop string came
	finishInterrupted = "interrupted" // a signal came
)

type generateOptions struct {
	from     source
	device   device
	sampling mamba.GenerateOptions
	prompt   *string // nil with ids
	ids      []int
	json     bool
}

func (a *app) generateCommand() *cobra.Command {
	o := generateOptions{sampling: mamba.GenerateOptions{MaxTokens: 256, TopP: 1, RepetitionPenalty: 1}}
	var prompt, ids string
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Continue a text",
		Long: `Continue a text with a model. Without --prompt and --ids the model that ships goes
on after "` + shippedPrompt + `"

The text streams to standard output as it comes. On a terminal the prompt comes
first, and a line about speed last. Where the model has no tokenizer the new
token ids are printed instead.

With --json the object has adapter, model, prompt (null with --ids), prompt_ids,
ids (the new tokens), text (null without a tokenizer), finish (length, eos, stop or
interrupted), load_s, prefill_tokens_per_s and decode_tokens_per_s (0 if not
measurable). Interrupted, the command prints what it has and exits with 130.`,
		Example: `  mambagpu generate
  mambagpu generate --prompt "And the whale" --temperature 0.8 --top-p 0.95 --seed 7
  mambagpu generate --model mamba-130m-hf --prompt - < prompt.txt
  mambagpu generate --ids 39,70,1018 --max-tokens 32 --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd, prompt, ids); err != nil {
				return err
			}
			return a.generate(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&prompt, "prompt", "", "the `TEXT` to continue; - reads standard input byte for byte")
	f.StringVar(&ids, "ids", "", "token `IDS` to continue, separated by commas, instead of text")
	addModelFlag(cmd, &o.from)
	addTokenizerFlag(cmd, &o.from)
	addAdapterFlag(cmd, &o.device.adapter)
	f.Var(bytesFlag(&o.device.budget), "memory-budget", "device memory that may be used, such as 900MB or 2GiB (default: no bound)")
	addSamplingFlags(cmd, &o.sampling)
	addJSONFlag(cmd, &o.json)
	f.SortFlags = false
	return cmd
}

func addSamplingFlags(cmd *cobra.Command, s *mamba.GenerateOptions) {
	f := cmd.Flags()
	f.Var(intFlag(&s.MaxTokens, 1), "max-tokens", "new tokens at most")
	f.Var(floatFlag(&s.Temperature, "0 or more", notNegative), "temperature", "0 always takes the likeliest token; higher is bolder")
	f.Var(intFlag(&s.TopK, 0), "top-k", "sample from the `N` likeliest tokens; 0 is off")
	f.Var(floatFlag(&s.TopP, "more than 0 and at most 1", func(v float64) bool { return v > 0 && v <= 1 }),
		"top-p", "sample from the likeliest tokens that have this probability together; 1 is off")
	f.Var(floatFlag(&s.MinP, "0 or more and less than 1", func(v float64) bool { return v >= 0 && v < 1 }),
		"min-p", "leave out tokens less likely than this part of the likeliest; 0 is off")
	f.Var(floatFlag(&s.RepetitionPenalty, "more than 0", func(v float64) bool { return v > 0 && notNegative(v) }),
		"repetition-penalty", "above 1 makes tokens that were there before less likely; 1 is off")
	f.Uint64Var(&s.Seed, "seed", 0, "the `N` that sampling begins with: the same one gives the same text")
	f.StringArrayVar(&s.Stop, "stop", nil, "end before this `TEXT`; may be given several times")
	f.BoolVar(&s.IgnoreEOS, "ignore-eos", false, "go on past the end of the text")
}

// complete checks the flags against each other and sets what to begin with.
func (o *generateOptions) complete(cmd *cobra.Command, prompt, ids string) (err error) {
	given := cmd.Flags().Changed
	switch {
	case given("prompt") && given("ids"):
		return usagef("--prompt and --ids cannot be given together")
	case given("prompt"):
		o.prompt = &prompt
	case given("ids"):
		if o.ids, err = parseIDs(ids); err != nil {
			return err
		}
	case o.from.shipped():
		prompt = shippedPrompt
		o.prompt = &prompt
	default:
		return usagef("nothing to continue: give --prompt TEXT, --prompt - for standard input, or --ids 1,2,3")
	}
	if slices.Contains(o.sampling.Stop, "") {
		return usagef("--stop needs a text that is not empty")
	}
	return nil
}

// generation is what came of a run; it is what --json prints.
type generation struct {
	Adapter   string  `json:"adapter"`
	Model     string  `json:"model"`
	Prompt    *string `json:"prompt"` // null with --ids
	PromptIDs []int   `json:"prompt_ids"`
	IDs       []int   `json:"ids"`
	Text      *string `json:"text"` // null without a tokenizer
	Finish    string  `json:"finish"`
	LoadS     float64 `json:"load_s"`
	Prefill   float64 `json:"prefill_tokens_per_s"`
	Decode    float64 `json:"decode_tokens_per_s"`
}

func (a *app) generate(ctx context.Context, o generateOptions) error {
	if err := a.preparePrompt(ctx, &o); err != nil {
		return err
	}
	model, err := a.load(ctx, o.from, o.device)
	if err != nil {
		return err
	}
	defer model.Close()
	g := generation{Adapter: model.Adapter(), Model: o.from.name(), Prompt: o.prompt, PromptIDs: o.ids, LoadS: model.seconds}
	if tok := model.Tokenizer(); tok != nil {
		if o.prompt != nil {
			g.PromptIDs = tok.Encode(*o.prompt)
		}
		g.Text = new(string)
	} else if o.prompt != nil {
		return mamba.ErrNoTokenizer
	}
	err = a.stream(ctx, model, o, &g)
	if err != nil && !errors.Is(err, errInterrupted) {
		return err
	}
	if o.json {
		return errors.Join(a.printJSON(g), err)
	}
	a.printSummary(model, g)
	return err
}

// preparePrompt reads and checks the prompt before anything is loaded.
func (a *app) preparePrompt(ctx context.Context, o *generateOptions) (err error) {
	needsText := o.prompt != nil || len(o.sampling.Stop) > 0
	if err := o.from.checkFolder(); err != nil {
		return err
	}
	if needsText && !o.from.hasTokenizer() {
		return fmt.Errorf("model %s has no %s: give one with --tokenizer FILE, or use --ids without --stop", o.from.name(), tokenizerFile)
	}
	if o.prompt != nil && *o.prompt == "-" {
		*o.prompt, err = a.readStdin(ctx)
	}
	if err == nil && len(o.ids) == 0 && (o.prompt == nil || *o.prompt == "") {
		err = mamba.ErrEmptyPrompt
	}
	return err
}

// stream generates into g, and onto standard output unless JSON is asked for.
func (a *app) stream(ctx context.Context, model loaded, o generateOptions, g *generation) error {
	bar := a.newProgress("reading the prompt", unitTokens)
	defer bar.close()
	o.sampling.OnPrefill = func(done, total int) { bar.update(int64(done), int64(total)) }
	g.IDs = []int{}
	show := printer{a: a, quiet: o.json}
	var clock stopwatch
	clock.begin()
	for token, err := range model.GenerateIDs(ctx, g.PromptIDs, &o.sampling) {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			show.end()
			return err
		}
		if len(g.IDs) == 0 {
			bar.close()
			show.echo(model, g)
		}
		if token.ID >= 0 {
			clock.token()
			g.IDs = append(g.IDs, token.ID)
		}
		show.token(token, g)
		if a.stdout.err != nil {
			return a.stdout.err
		}
	}
	if len(g.IDs) == 0 && ctx.Err() == nil { // the text ended at once
		bar.close()
		show.echo(model, g)
	}
	g.Prefill, g.Decode = clock.speeds(len(g.PromptIDs))
	show.end()
	g.Finish = finish(ctx, model, o.sampling, g.IDs)
	if ctx.Err() != nil {
		return errInterrupted
	}
	return nil
}

// finish tells why generation ended with ids.
func finish(ctx context.Context, model loaded, s mamba.GenerateOptions, ids []int) string {
	if ctx.Err() != nil {
		return finishInterrupted
	}
	if tok := model.Tokenizer(); tok != nil && len(s.Stop) > 0 {
		text, _ := tok.Decode(ids)
		for _, stop := range s.Stop {
			if strings.Contains(text, stop) {
				return finishStop
			}
		}
	}
	if len(ids) >= s.MaxTokens {
		return finishLength
	}
	return finishEOS
}

// printer writes the stream to standard output.
type printer struct {
	a       *app
	quiet   bool // JSON comes later
	written bool
	newline bool // the last byte written was one
}

// echo repeats the end of the prompt on a terminal.
func (p *printer) echo(model loaded, g *generation) {
	if p.quiet || p.written || !isTerminal(p.a.stdout) {
		return
	}
	const most = 2000 // characters
	text := joinIDs(g.PromptIDs) + " "
	if tok := model.Tokenizer(); tok != nil {
		text, _ = tok.Decode(g.PromptIDs)
	}
	if runes := []rune(text); len(runes) > most {
		text = "…" + string(runes[len(runes)-most:])
	}
	fmt.Fprint(p.a.stdout, styled(p.a.stdout, bold, text))
	p.written = true
}

func (p *printer) token(t mamba.Token, g *generation) {
	text := t.Text
	if g.Text != nil {
		*g.Text += text
	} else if t.ID >= 0 {
		text = fmt.Sprint(t.ID)
		if len(g.IDs) > 1 {
			text = " " + text
		}
	}
	if p.quiet || text == "" {
		return
	}
	fmt.Fprint(p.a.stdout, text)
	p.written, p.newline = true, strings.HasSuffix(text, "\n")
}

// end finishes the last line.
func (p *printer) end() {
	if !p.quiet && p.written && !p.newline {
		fmt.Fprintln(p.a.stdout)
	}
}

// printSummary ends a run on a terminal with a line about it.
func (a *app) printSummary(model loaded, g generation) {
	if !isTerminal(a.stderr) {
		return
	}
	line := fmt.Sprintf("%s · loaded in %.2f s · prompt %d tokens", g.Adapter, g.LoadS, len(g.PromptIDs))
	if g.Prefill > 0 {
		line += fmt.Sprintf(", %s/s", formatRate(g.Prefill))
	}
	line += fmt.Sprintf(" · new %d tokens", len(g.IDs))
	if g.Decode > 0 {
		line += fmt.Sprintf(", %s/s", formatRate(g.Decode))
	}
	if g.Finish != finishLength {
		line += " · " + map[string]string{finishEOS: "end of text", finishStop: "stop string",
			finishInterrupted: "interrupted"}[g.Finish]
	}
	fmt.Fprintln(a.stderr, styled(a.stderr, dim, line))
}

// stopwatch measures a stream of tokens.
type stopwatch struct {
	start, first, last time.Time
	tokens             int
}

func (s *stopwatch) begin() { s.start = time.Now() }

func (s *stopwatch) token() {
	s.last = time.Now()
	if s.tokens == 0 {
		s.first = s.last
	}
	s.tokens++
}

// speeds returns tokens per second: of the prompt until the first new token, and
// of the new tokens after it; 0 for what cannot be measured.
func (s *stopwatch) speeds(prompt int) (prefill, decode float64) {
	if s.tokens == 0 {
		return 0, 0
	}
	return rate(prompt, s.first.Sub(s.start)), rate(s.tokens-1, s.last.Sub(s.first))
}

func rate(n int, d time.Duration) float64 {
	if n <= 0 || d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}
