package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/spf13/cobra"
)

type quantizeOptions struct {
	from   source
	device device // of the perplexities
	out    string
	bits   int
	file   string // a text whose perplexity is printed; empty for none
	window int
	most   int // tokens predicted; 0 for all
	json   bool
}

// quantized is what came of quantize; it is what --json prints.
type quantized struct {
	Model      string      `json:"model"`
	Out        string      `json:"out"`
	Bits       int         `json:"bits"`
	Bytes      beforeAfter `json:"bytes"`      // of the weights on disk
	Perplexity *predicted  `json:"perplexity"` // null without a text
}

type beforeAfter struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

// predicted is how well the model before and the one after predict a text.
type predicted struct {
	Adapter string  `json:"adapter"`
	File    string  `json:"file"`
	Tokens  int     `json:"tokens"`
	Before  float64 `json:"before"`
	After   float64 `json:"after"`
	Change  float64 `json:"change"` // after/before - 1
}

func (a *app) quantizeCommand() *cobra.Command {
	o := quantizeOptions{bits: 8, window: 1024, most: 4096}
	cmd := &cobra.Command{
		Use:   "quantize",
		Short: "Round a model's weights to 8 or 4 bits",
		Long: `Write a model with its matrices rounded to integers to a new folder, which all
commands read as they do others: of 8 bits with a scale for each row, or of 4 bits
with a scale for each 32 columns. The step size's projection keeps its type, and
what is small is float32. Tensors stream through: memory does not grow with the
model. The folder appears when it is complete; one that is not empty is refused.

The sizes before and after are printed and, with --file, the perplexity of a text
before and after, as the command perplexity takes it. The model that ships comes
with a text that it has not read.

With --json the object has model, out, bits, bytes (before, after) and perplexity
(null without a text; adapter, file, tokens, before, after, change).`,
		Example: `  mambagpu quantize --model mamba-2.8b-hf --out mamba-2.8b-q4 --bits 4
  mambagpu quantize --model mamba-130m-hf --out mamba-130m-q8 --file valid.txt.gz
  mambagpu quantize --out pequod-q4 --bits 4 --max-tokens 65536`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.out == "" {
				return usagef("nowhere to write: give --out DIR")
			}
			if o.bits != 8 && o.bits != 4 {
				return usagef("--bits %d: want 8 or 4", o.bits)
			}
			q, err := a.quantize(cmd.Context(), o)
			if err != nil {
				return err
			}
			if o.json {
				return a.printJSON(q)
			}
			a.printQuantized(q)
			return nil
		},
	}
	f := cmd.Flags()
	f.Var(textFlag(&o.out, "DIR"), "out", "the new model's `DIR`")
	cmd.MarkFlagDirname("out")
	f.IntVar(&o.bits, "bits", o.bits, "of an integer, `8 or 4`")
	f.Var(textFlag(&o.file, "FILE"), "file", "a text, a `FILE` of UTF-8 or its .gz, to compare the models by")
	f.Var(intFlag(&o.window, 1), "window", "tokens that a window of the text predicts")
	f.Var(intFlag(&o.most, 1), "max-tokens", "tokens of the text to predict at most")
	addModelFlag(cmd, &o.from)
	addTokenizerFlag(cmd, &o.from)
	addAdapterFlag(cmd, &o.device.adapter)
	addJSONFlag(cmd, &o.json)
	f.SortFlags = false
	return cmd
}

// quantize writes the model and, with a text, compares both.
func (a *app) quantize(ctx context.Context, o quantizeOptions) (quantized, error) {
	q := quantized{Model: o.from.name(), Out: o.out, Bits: o.bits}
	text, err := o.readText() // first: a mistake shows before the work
	if err != nil {
		return q, err
	}
	if err := a.writeQuantized(ctx, o); err != nil {
		return q, err
	}
	result := source{dir: o.out, tokenizer: o.from.tokenizer}
	for _, s := range []struct {
		from  source
		bytes *int64
	}{{o.from, &q.Bytes.Before}, {result, &q.Bytes.After}} {
		info, err := describe(s.from)
		if err != nil {
			return q, err
		}
		*s.bytes = info.Bytes
	}
	if o.file == "" {
		return q, nil
	}
	p := perplexityOptions{from: o.from, device: o.device, file: o.file, window: o.window, most: o.most}
	before, err := a.predict(ctx, p, text)
	if err != nil {
		return q, err
	}
	p.from = result
	after, err := a.predict(ctx, p, text)
	if err != nil {
		return q, err
	}
	q.Perplexity = &predicted{after.Adapter, o.file, after.Tokens, before.Perplexity, after.Perplexity,
		after.Perplexity/before.Perplexity - 1}
	return q, nil
}

// readText reads the text to compare by: of the model that ships the reference model's,
// which it has not read either, where no other is given, and of others none.
func (o *quantizeOptions) readText() (string, error) {
	if o.file != "" {
		return readText(o.file)
	}
	if !o.from.inside() {
		return "", nil
	}
	heldout := source{reference: true}
	o.file = heldout.path(heldoutFile)
	data, err := heldout.readFile(heldoutFile)
	if err != nil {
		return "", err
	}
	return unpackText(o.file, bytes.NewReader(data))
}

// writeQuantized writes the model's folder, showing progress where it takes long.
func (a *app) writeQuantized(ctx context.Context, o quantizeOptions) error {
	ckpt, err := o.from.open()
	if err != nil {
		return err
	}
	defer ckpt.Close()
	if bits := ckpt.Config.Bits; bits != 0 {
		return fmt.Errorf("%s is quantised to %d bits: take a model of floats", o.from.name(), bits)
	}
	bar := a.newProgress("quantizing", unitBytes)
	defer bar.close()
	err = mamba.Quantize(ctx, ckpt, o.out, &mamba.QuantizeOptions{
		Weights: map[int]mamba.Weights{8: mamba.WeightsQ8, 4: mamba.WeightsQ4}[o.bits], Progress: bar.update})
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is not empty: name a new folder with --out", o.out)
	}
	return err
}

func (a *app) printQuantized(q quantized) {
	change := func(before, after float64, format string) string { return fmt.Sprintf(format, 100*(after/before-1)) }
	t := newTable(a.stdout)
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}, {Number: 3, Align: text.AlignRight}, {Number: 4, Align: text.AlignRight}})
	before, after := q.Bytes.Before, q.Bytes.After
	t.AppendRow(table.Row{"", q.Model, q.Out, "change"})
	t.AppendRow(table.Row{"weights", formatBytes(uint64(before)), formatBytes(uint64(after)), change(float64(before), float64(after), "%+.1f%%")})
	if p := q.Perplexity; p != nil {
		t.AppendRow(table.Row{"perplexity", fmt.Sprintf("%.4f", p.Before), fmt.Sprintf("%.4f", p.After), change(p.Before, p.After, "%+.3f%%")})
	}
	t.Render()
	if p := q.Perplexity; p != nil {
		fmt.Fprintf(a.stdout, "\n%s tokens of %s on %s\n", formatCount(int64(p.Tokens)), p.File, p.Adapter)
	}
}
