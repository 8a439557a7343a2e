package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/mambagpu/mambagpu/mamba/tokenizer"
	"github.com/spf13/cobra"
)

type tokenizeOptions struct {
	from   source
	decode string
	json   bool
}

func (a *app) tokenizeCommand() *cobra.Command {
	var o tokenizeOptions
	cmd := &cobra.Command{
		Use:   "tokenize [TEXT | -]",
		Short: "Turn text into token ids, and back",
		Long: `Print the token ids of TEXT with the piece of the vocabulary behind each, or with
--decode the text of ids. - reads standard input byte for byte. Pieces are written
as in tokenizer.json, where Ġ is a space and Ċ a newline. Only tokenizer.json is
read of the model.`,
		Example: `  mambagpu tokenize "Call me Ishmael."
  mambagpu tokenize - < chapter.txt
  mambagpu tokenize --decode 39,70,1018`,
		Args: oneText,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch decoding := cmd.Flags().Changed("decode"); {
			case decoding && len(args) > 0:
				return usagef("--decode takes ids: TEXT cannot be given with it")
			case decoding:
				return a.decode(o)
			case len(args) == 0:
				return usagef("no TEXT given: quote it as one argument, or - reads standard input")
			}
			return a.encode(cmd.Context(), o, args[0])
		},
	}
	addModelFlag(cmd, &o.from)
	addTokenizerFlag(cmd, &o.from)
	cmd.Flags().StringVar(&o.decode, "decode", "", "print the text of `IDS`, separated by commas or spaces")
	addJSONFlag(cmd, &o.json)
	return cmd
}

// oneText asks for one argument at most.
func oneText(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%d arguments: quote TEXT as one", len(args))
	}
	return nil
}

func (a *app) encode(ctx context.Context, o tokenizeOptions, content string) error {
	tok, err := o.from.loadTokenizer()
	if err != nil {
		return err
	}
	if content == "-" {
		if content, err = a.readStdin(ctx); err != nil {
			return err
		}
	}
	ids := tok.Encode(content)
	pieces, err := piecesOf(tok, ids)
	if err != nil {
		return err
	}
	if o.json {
		return a.printJSON(struct {
			IDs    []int    `json:"ids"`
			Tokens []string `json:"tokens"`
		}{nonNil(ids), pieces})
	}
	a.printTokens(ids, pieces)
	return nil
}

func piecesOf(tok *tokenizer.Tokenizer, ids []int) ([]string, error) {
	pieces := make([]string, len(ids))
	for i, id := range ids {
		piece, err := tok.Piece(id)
		if err != nil {
			return nil, err
		}
		pieces[i] = piece
	}
	return pieces, nil
}

func (a *app) printTokens(ids []int, pieces []string) {
	if len(ids) == 0 {
		return
	}
	t := newTable(a.stdout)
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 1, Align: text.AlignRight}})
	for i, id := range ids {
		t.AppendRow(table.Row{strconv.Itoa(id), pieces[i]})
	}
	t.Render()
}

func (a *app) decode(o tokenizeOptions) error {
	ids, err := parseIDs(o.decode)
	if err != nil {
		return err
	}
	tok, err := o.from.loadTokenizer()
	if err != nil {
		return err
	}
	content, err := tok.Decode(ids)
	if err != nil {
		return err
	}
	if o.json {
		return a.printJSON(struct {
			Text string `json:"text"`
		}{content})
	}
	_, err = fmt.Fprintln(a.stdout, content)
	return err
}
