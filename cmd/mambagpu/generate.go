package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
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
	prompt   *string // nil with ids, and with neither
	ids      []int
	load     string // a file of the state to begin with; empty for none
	save     string // a file for the state in the end; empty for none
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

--save-state writes what the sequence leaves behind, a file of the same size
whatever its length; --load-state goes on from it as if the run had never ended,
with or without a prompt behind what was there. --max-tokens 0 reads the prompt
and saves, for many runs that begin with it. A state belongs to the model's very
weights, and to no device.

With --json the object has adapter, model, prompt (null without --prompt), prompt_ids,
ids (the new tokens), text (null without a tokenizer), finish (length, eos, stop or
interrupted), load_s, prefill_tokens_per_s and decode_tokens_per_s (0 if not
measurable). Interrupted, the command prints what it has and exits with 130.`,
		Example: `  mambagpu generate
  mambagpu generate --prompt "And the whale" --temperature 0.8 --top-p 0.95 --seed 7
  mambagpu generate --model mamba-130m-hf --prompt - < prompt.txt
  mambagpu generate --ids 39,70,1018 --max-tokens 32 --json
  mambagpu generate --prompt - --max-tokens 0 --save-state book.state < book.txt
  mambagpu generate --load-state book.state --prompt "In short," --save-state book.state`,
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
	addWeightsFlag(cmd, &o.device.weights)
	f.BoolVar(&o.device.together, "together", false, "run all layers of a token in two dispatches whose workgroups wait for each other, where the model is small and the device runs them at the same time")
	addSamplingFlags(cmd, &o.sampling)
	f.Var(textFlag(&o.load, "FILE"), "load-state", "go on from the state in `FILE`")
	f.Var(textFlag(&o.save, "FILE"), "save-state", "write the state to `FILE` in the end")
	addJSONFlag(cmd, &o.json)
	f.SortFlags = false
	return cmd
}

func addSamplingFlags(cmd *cobra.Command, s *mamba.GenerateOptions) {
	f := cmd.Flags()
	f.Var(intFlag(&s.MaxTokens, 0), "max-tokens", "new tokens at most; 0 only reads the prompt, for --save-state")
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
	case o.load != "":
		// the sequence is there
	case o.from.inside():
		prompt = shippedPrompt
		o.prompt = &prompt
	default:
		return usagef("nothing to continue: give --prompt TEXT, --prompt - for standard input, or --ids 1,2,3")
	}
	if o.sampling.MaxTokens == 0 && o.save == "" {
		return usagef("--max-tokens 0 generates nothing: it is for --save-state")
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
	Prompt    *string `json:"prompt"` // null without --prompt
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
	g := generation{Adapter: model.Adapter(), Model: o.from.name(), Prompt: o.prompt, PromptIDs: nonNil(o.ids), LoadS: model.seconds}
	if tok := model.Tokenizer(); tok != nil {
		if o.prompt != nil {
			g.PromptIDs = nonNil(tok.Encode(*o.prompt))
		}
		g.Text = new(string)
	} else if o.prompt != nil {
		return mamba.ErrNoTokenizer
	}
	if o.sampling.State, err = openState(model, o); err != nil {
		return err
	}
	err = a.stream(ctx, model, o, &g)
	if err != nil && !errors.Is(err, errInterrupted) {
		return err
	}
	if o.save != "" && (err == nil || len(g.IDs) > 0) { // else the prompt was not read to its end
		if failed := o.sampling.State.SaveFile(o.save); failed != nil {
			err = failed
		}
	}
	if o.json {
		return errors.Join(a.printJSON(g), err)
	}
	a.printSummary(model, g)
	return err
}

// openState is the state to begin with. The model closes it.
func openState(model loaded, o generateOptions) (*mamba.State, error) {
	if o.load != "" {
		return model.LoadStateFile(o.load)
	}
	return model.NewState()
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
	if err == nil && o.load == "" && len(o.ids) == 0 && (o.prompt == nil || *o.prompt == "") {
		err = mamba.ErrEmptyPrompt
	}
	if err == nil {
		err = checkStateFiles(o)
	}
	return err
}

// checkStateFiles tells before anything is computed whether the files of states
// can be opened.
func checkStateFiles(o *generateOptions) error {
	if o.load != "" {
		if _, err := os.Stat(o.load); err != nil {
			return fmt.Errorf("--load-state: %w", err)
		}
	}
	if o.save != "" {
		if _, err := os.Stat(filepath.Dir(o.save)); err != nil {
			return fmt.Errorf("--save-state: %w", err)
		}
	}
	return nil
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
	for token, err := range a.tokens(ctx, model, o, g.PromptIDs) {
		if err != nil && ctx.Err() != nil {
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
		if ctx.Err() != nil { // the token is in the state, so it has been shown
			break
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

// tokens generates, or with no tokens asked for reads the prompt alone.
func (a *app) tokens(ctx context.Context, model loaded, o generateOptions, ids []int) iter.Seq2[mamba.Token, error] {
	if o.sampling.MaxTokens > 0 {
		return model.GenerateIDs(ctx, ids, &o.sampling)
	}
	return func(yield func(mamba.Token, error) bool) {
		const part = 1024 // tokens between two reports of progress
		for done := 0; done < len(ids); done = min(done+part, len(ids)) {
			if err := model.Prepare(ctx, o.sampling.State, ids[done:min(done+part, len(ids))]); err != nil {
				yield(mamba.Token{ID: mamba.NoToken}, err)
				return
			}
			o.sampling.OnPrefill(min(done+part, len(ids)), len(ids))
		}
	}
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
	if p.quiet || p.written || len(g.PromptIDs) == 0 || !isTerminal(p.a.stdout) {
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
