package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/spf13/cobra"
)

type perplexityOptions struct {
	from   source
	device device
	file   string
	window int
	most   int // tokens predicted; 0 for all
	json   bool
}

// perplexity is what --json prints.
type perplexity struct {
	Adapter    string  `json:"adapter"`
	Driver     string  `json:"driver"`
	Backend    string  `json:"backend"`
	Model      string  `json:"model"`
	File       string  `json:"file"`
	Window     int     `json:"window"`
	Windows    int     `json:"windows"`
	Tokens     int     `json:"tokens"`     // predicted
	NLL        float64 `json:"nll"`        // nats a token
	Perplexity float64 `json:"perplexity"` // exp of it
	Seconds    float64 `json:"seconds"`
	Rate       float64 `json:"tokens_per_s"`
}

func (a *app) perplexityCommand() *cobra.Command {
	o := perplexityOptions{window: 1024}
	cmd := &cobra.Command{
		Use:   "perplexity",
		Short: "Say how well a model predicts a text",
		Long: `Predict each token of a text from those before it within a window, and print the
perplexity: exp of the mean negative log-probability. Windows lie end to end and
each begins with an empty state; the last token that a window predicts is the
first one of the next. A FILE that ends in .gz is unpacked.

With --json the object has adapter, driver, backend, model, file, window, windows,
tokens (predicted), nll (nats a token), perplexity, seconds and tokens_per_s.`,
		Example: `  mambagpu perplexity --file valid.txt
  mambagpu perplexity --model mamba-130m-hf --file valid.txt.gz --max-tokens 65536 --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.file == "" {
				return usagef("nothing to predict: give --file FILE")
			}
			p, err := a.perplexity(cmd.Context(), o)
			if err != nil {
				return err
			}
			if o.json {
				return a.printJSON(p)
			}
			a.printPerplexity(p)
			return nil
		},
	}
	f := cmd.Flags()
	f.Var(textFlag(&o.file, "FILE"), "file", "the text, a `FILE` of UTF-8 or its .gz")
	f.Var(intFlag(&o.window, 1), "window", "tokens that a window predicts")
	f.Var(intFlag(&o.most, 1), "max-tokens", "tokens to predict at most (default: all)")
	addModelFlag(cmd, &o.from)
	addTokenizerFlag(cmd, &o.from)
	addAdapterFlag(cmd, &o.device.adapter)
	addWeightsFlag(cmd, &o.device.weights)
	addJSONFlag(cmd, &o.json)
	f.SortFlags = false
	return cmd
}

func (a *app) perplexity(ctx context.Context, o perplexityOptions) (perplexity, error) {
	text, err := readText(o.file)
	if err != nil {
		return perplexity{}, err
	}
	return a.predict(ctx, o, text)
}

// predict takes the perplexity of a text, the contents of o.file.
func (a *app) predict(ctx context.Context, o perplexityOptions, text string) (perplexity, error) {
	model, err := a.load(ctx, o.from, o.device)
	if err != nil {
		return perplexity{}, err
	}
	defer model.Close()
	if model.Tokenizer() == nil {
		return perplexity{}, mamba.ErrNoTokenizer
	}
	windows := cutWindows(model.Tokenizer().Encode(text), o.window, o.most)
	if len(windows) == 0 {
		return perplexity{}, fmt.Errorf("%s: fewer than two tokens: there is nothing to predict", o.file)
	}
	info := model.AdapterInfo()
	p := perplexity{Adapter: model.Adapter(), Driver: info.Driver, Backend: info.Backend, Model: o.from.name(),
		File: o.file, Window: o.window, Windows: len(windows)}
	state, err := model.NewState()
	if err != nil {
		return p, err
	}
	defer state.Close()
	err = a.scoreWindows(ctx, model.Model, state, windows, &p)
	if ctx.Err() != nil {
		return p, errInterrupted
	}
	return p, err
}

// scoreWindows predicts all windows and sets the results of p.
func (a *app) scoreWindows(ctx context.Context, model *mamba.Model, state *mamba.State, windows []window, p *perplexity) error {
	total := 0
	for _, w := range windows {
		total += len(w.targets)
	}
	bar := a.newProgress("predicting", unitTokens)
	defer bar.close()
	start, sum := time.Now(), 0.0
	for _, w := range windows {
		bar.update(int64(p.Tokens), int64(total))
		if err := state.Reset(); err != nil {
			return err
		}
		logs, err := model.LogProbs(ctx, state, w.ids, w.targets)
		if err != nil {
			return err
		}
		for _, l := range logs {
			sum -= l
		}
		p.Tokens += len(logs)
	}
	p.Seconds = time.Since(start).Seconds()
	p.Rate = rate(p.Tokens, time.Since(start))
	p.NLL = sum / float64(p.Tokens)
	p.Perplexity = math.Exp(p.NLL)
	return nil
}

// window is a part of the text: targets[i] comes after ids[i].
type window struct{ ids, targets []int }

// cutWindows cuts a text into windows that predict size tokens each, the last
// one perhaps fewer, and most together, where that is not zero.
func cutWindows(ids []int, size, most int) []window {
	n := len(ids) - 1
	if most > 0 {
		n = min(n, most)
	}
	var out []window
	for first := 0; first < n; first += size {
		end := min(first+size, n)
		out = append(out, window{ids[first:end], ids[first+1 : end+1]})
	}
	return out
}

// readText reads a file, unpacked if its name ends in .gz.
func readText(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return unpackText(file, f)
}

// unpackText reads the text of a file, unpacked if its name ends in .gz.
func unpackText(file string, r io.Reader) (text string, err error) {
	if strings.HasSuffix(strings.ToLower(file), ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return string(data), nil
}

func (a *app) printPerplexity(p perplexity) {
	t := newTable(a.stdout)
	t.AppendRows([]table.Row{
		{"perplexity", fmt.Sprintf("%.4f", p.Perplexity)},
		{"nats a token", fmt.Sprintf("%.6f", p.NLL)},
		{"tokens", fmt.Sprintf("%s in %s windows of %s", formatCount(int64(p.Tokens)), formatCount(int64(p.Windows)), formatCount(int64(p.Window)))},
		{"model", p.Model},
		{"adapter", p.Adapter},
		{"speed", fmt.Sprintf("%s tokens/s", formatRate(p.Rate))},
	})
	t.Render()
}
