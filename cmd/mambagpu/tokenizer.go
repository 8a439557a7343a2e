package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mambagpu/mambagpu/mamba/tokenizer"
	"github.com/spf13/cobra"
)

func (a *app) tokenizerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tokenizer",
		Short:   "Make a tokenizer",
		Long:    `Make a tokenizer. 'mambagpu tokenize' uses one.`,
		Example: `  mambagpu tokenizer train --data book.txt --out tokenizer.json`,
		Args:    subcommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.tokenizerTrainCommand())
	return cmd
}

// subcommand asks for the name of a command below cmd, or nothing.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return usagef("unknown command %q for %s: want %s", clip(args[0], 60), cmd.Name(), strings.Join(names, " or "))
}

type tokenizerTrainOptions struct {
	data     []string // files
	out      string
	size     int
	minCount int
	json     bool
}

// trainedTokenizer is what came of tokenizer train; it is what --json prints.
type trainedTokenizer struct {
	Out    string  `json:"out"`
	Size   int     `json:"vocab_size"`
	Asked  int     `json:"asked_for"`
	Bytes  int64   `json:"bytes"`  // of the texts
	Tokens int64   `json:"tokens"` // that the texts are with the new tokenizer
	PerTok float64 `json:"bytes_per_token"`
}

func (a *app) tokenizerTrainCommand() *cobra.Command {
	o := tokenizerTrainOptions{size: 4096, minCount: 2}
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Learn a vocabulary from texts",
		Long: `Learn a byte-level vocabulary from texts by byte pair encoding and write it as a
tokenizer.json, which this program, Hugging Face's tokenizers library and others
read: text in Unicode normalization form C, split into words by the pattern of
GPT-2. The first token is <|endoftext|>, which stands between documents; where it
is written in the texts it separates them. Then there is a token for each byte,
and one for each pair of tokens that was joined, the most frequent pair first.

The same texts give the same file. A FILE that ends in .gz is unpacked.

With --json the object has out, vocab_size, asked_for, bytes (of the texts), tokens
(that they are with the new tokenizer) and bytes_per_token.`,
		Example: `  mambagpu tokenizer train --data book.txt --out tokenizer.json
  mambagpu tokenizer train --data a.txt.gz,b.txt --vocab-size 8192 --out tokenizer.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(o.data) == 0 {
				return usagef("nothing to learn from: give --data FILE")
			}
			if o.out == "" {
				return usagef("nowhere to write: give --out FILE")
			}
			result, err := a.trainTokenizer(cmd.Context(), o)
			if err != nil {
				return err
			}
			if o.json {
				return a.printJSON(result)
			}
			a.printTrainedTokenizer(result)
			return nil
		},
	}
	f := cmd.Flags()
	addDataFlag(cmd, &o.data)
	f.Var(textFlag(&o.out, "FILE"), "out", "the `FILE` to write, usually tokenizer.json")
	cmd.MarkFlagFilename("out", "json")
	f.Var(intFlag(&o.size, 257), "vocab-size", "tokens there are at most")
	f.Var(intFlag(&o.minCount, 1), "min-count", "how often a pair must occur to become a token")
	addJSONFlag(cmd, &o.json)
	f.SortFlags = false
	return cmd
}

func addDataFlag(cmd *cobra.Command, p *[]string) {
	cmd.Flags().StringSliceVar(p, "data", nil, "the texts, `FILES` of UTF-8 or their .gz, separated by commas; may be given\n"+
		"several times")
}

// trainTokenizer learns from the files and writes the tokenizer.
func (a *app) trainTokenizer(ctx context.Context, o tokenizerTrainOptions) (trainedTokenizer, error) {
	t := trainedTokenizer{Out: o.out, Asked: o.size}
	if _, err := os.Stat(filepath.Dir(o.out)); err != nil { // first: a mistake shows before the work
		return t, fmt.Errorf("--out: %w", err)
	}
	texts, err := await(ctx, func() ([]string, error) { return readTexts(o.data) })
	if err != nil {
		return t, err
	}
	bar := a.newProgress("learning tokens", unitTokens)
	defer bar.close()
	data, err := tokenizer.Train(ctx, slices.Values(texts), &tokenizer.TrainOptions{VocabSize: o.size, MinCount: o.minCount,
		Progress: func(done, total int) { bar.update(int64(done), int64(total)) }})
	if ctx.Err() != nil {
		return t, errInterrupted
	}
	if err != nil {
		return t, err
	}
	tok, err := tokenizer.Parse(o.out, data)
	if err != nil {
		return t, err
	}
	t.Size = tok.VocabSize()
	for _, text := range texts {
		t.Bytes += int64(len(text))
		t.Tokens += int64(len(tok.Encode(text)))
	}
	t.PerTok = float64(t.Bytes) / float64(t.Tokens)
	return t, os.WriteFile(o.out, data, 0o644)
}

// readTexts reads files, unpacked where their names end in .gz. A text that is empty
// is an error.
func readTexts(files []string) ([]string, error) {
	texts := make([]string, len(files))
	for i, file := range files {
		text, err := readText(file)
		if err == nil && text == "" {
			err = fmt.Errorf("%s: no text in it", file)
		}
		if err != nil {
			return nil, err
		}
		texts[i] = text
	}
	return texts, nil
}

func (a *app) printTrainedTokenizer(r trainedTokenizer) {
	t := newTable(a.stdout)
	t.AppendRow(table.Row{"tokens", formatCount(int64(r.Size))})
	t.AppendRow(table.Row{"texts", fmt.Sprintf("%s, %s tokens of %.2f bytes", formatBytes(uint64(r.Bytes)), formatCount(r.Tokens), r.PerTok)})
	t.AppendRow(table.Row{"written", r.Out})
	t.Render()
	if r.Size < r.Asked {
		fmt.Fprintf(a.stderr, "mambagpu: no other pair occurs often enough: %d tokens instead of %d\n", r.Size, r.Asked)
	}
}
