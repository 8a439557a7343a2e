package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/spf13/cobra"
)

// modelInfo is what a checkpoint is.
type modelInfo struct {
	Model       string           `json:"model"`
	Layout      string           `json:"layout"`
	DModel      int              `json:"d_model"`
	NLayer      int              `json:"n_layer"`
	DInner      int              `json:"d_inner"`
	DState      int              `json:"d_state"`
	DConv       int              `json:"d_conv"`
	DTRank      int              `json:"dt_rank"`
	VocabSize   int              `json:"vocab_size"` // rows of the embedding, padding included
	NormEps     float64          `json:"norm_eps"`
	Tied        bool             `json:"tied"` // the head is the embedding
	UseBias     bool             `json:"use_bias"`
	UseConvBias bool             `json:"use_conv_bias"`
	BOS         []int            `json:"bos_token_id"`
	EOS         []int            `json:"eos_token_id"`
	Bits        int              `json:"bits"` // of the matrices' integers; 0 if they are floats
	Parameters  int64            `json:"parameters"`
	Bytes       int64            `json:"bytes"`       // of the weights on disk
	DTypes      map[string]int64 `json:"dtypes"`      // parameters by element type, integers as I8 or I4
	Scales      int64            `json:"scales"`      // of the integers
	StateBytes  int64            `json:"state_bytes"` // of one sequence, whatever its length
	Tokenizer   *tokenizerInfo   `json:"tokenizer"`   // null if there is none
}

type tokenizerInfo struct {
	VocabSize int    `json:"vocab_size"`
	EndOfText *int   `json:"end_of_text"` // its id; null if there is none
	Error     string `json:"error,omitempty"`
}

func (a *app) infoCommand() *cobra.Command {
	var from source
	var t traceOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Say what a model is, and what it computes inside",
		Long: `Say what a checkpoint is: its sizes, parameters, element types and tokenizer,
and the bytes of state that a sequence needs. Weights are not read.

With --trace the model reads a prompt, and what every stage of every layer gave
goes into a file of safetensors: input_ids, embedding, layer.0.norm and so on to
logits, as float32. --stage takes some of them only. The table, or the object of
--json, then has the stages with their shapes.`,
		Example: `  mambagpu info
  mambagpu info --model mamba-130m-hf --json
  mambagpu info --trace trace.safetensors --prompt "And the whale"
  mambagpu info --trace conv.safetensors --stage 'layer.*.conv' --stage logits`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := t.complete(cmd, from); err != nil {
				return err
			}
			if t.file != "" {
				return a.trace(cmd.Context(), from, t, asJSON)
			}
			info, err := describe(from)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(info)
			}
			a.printInfo(info)
			return nil
		},
	}
	addModelFlag(cmd, &from)
	addTokenizerFlag(cmd, &from)
	t.addFlags(cmd)
	addJSONFlag(cmd, &asJSON)
	cmd.Flags().SortFlags = false
	return cmd
}

func describe(from source) (modelInfo, error) {
	ckpt, err := from.open()
	if err != nil {
		return modelInfo{}, err
	}
	defer ckpt.Close()
	c := ckpt.Config
	info := modelInfo{
		Model: from.name(), Layout: c.Layout,
		DModel: c.DModel, NLayer: c.NLayer, DInner: c.DInner, DState: c.DState, DConv: c.DConv, DTRank: c.DTRank,
		VocabSize: c.VocabSize, NormEps: c.NormEps, Tied: c.Tied, UseBias: c.UseBias, UseConvBias: c.UseConvBias,
		BOS: nonNil(c.BOS), EOS: nonNil(c.EOS), Bits: c.Bits, Parameters: c.Parameters(), StateBytes: int64(mamba.StateSize(c)),
	}
	err = info.weigh(ckpt)
	if from.hasTokenizer() {
		info.Tokenizer = describeTokenizer(from)
	}
	return info, err
}

// weigh counts the bytes of the weights, the parameters of each type and the
// scales.
func (i *modelInfo) weigh(ckpt *checkpoint.Checkpoint) error {
	i.DTypes = map[string]int64{}
	for _, name := range ckpt.Names() {
		t, err := ckpt.Tensor(name)
		if err != nil {
			return err
		}
		i.Bytes += t.Bytes()
		switch matrix := checkpoint.IsMatrix(name); {
		case i.Bits == 0 || !matrix && !checkpoint.IsScale(name):
			i.DTypes[t.DType.String()] += int64(t.Elements())
		case !matrix:
			i.Scales += int64(t.Elements())
		}
	}
	rest := i.Parameters
	for _, n := range i.DTypes {
		rest -= n
	}
	if i.Bits != 0 {
		i.DTypes[fmt.Sprintf("I%d", i.Bits)] = rest
	}
	return nil
}

// describeTokenizer reports a tokenizer that cannot be used as such: the model
// beside it can be used all the same.
func describeTokenizer(from source) *tokenizerInfo {
	tok, err := from.loadTokenizer()
	if err != nil {
		return &tokenizerInfo{Error: message(err)}
	}
	info := &tokenizerInfo{VocabSize: tok.VocabSize()}
	if id, ok := tok.EndOfText(); ok {
		info.EndOfText = &id
	}
	return info
}

func (a *app) printInfo(i modelInfo) {
	t := newTable(a.stdout)
	t.AppendRows([]table.Row{
		{"model", i.Model},
		{"layout", map[string]string{checkpoint.HuggingFace: "Hugging Face", checkpoint.Original: "original"}[i.Layout]},
		{"parameters", formatCount(i.Parameters)},
		{"weights", formatBytes(uint64(i.Bytes)) + ": " + i.dtypes()},
		{"matrices", i.matrices()},
		{"layers", i.NLayer},
		{"d_model", i.DModel},
		{"d_inner", i.DInner},
		{"d_state", i.DState},
		{"d_conv", i.DConv},
		{"dt_rank", i.DTRank},
		{"vocabulary", formatCount(int64(i.VocabSize))},
		{"head", map[bool]string{true: "tied to the embedding", false: "its own"}[i.Tied]},
		{"biases", fmt.Sprintf("projections %s, convolution %s", yesNo(i.UseBias), yesNo(i.UseConvBias))},
		{"end of text", orDash(joinIDs(i.EOS))},
		{"tokenizer", i.tokenizer()},
		{"state", formatBytes(uint64(i.StateBytes)) + " per sequence, whatever its length"},
	})
	t.Render()
}

func (i modelInfo) dtypes() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(i.DTypes)) {
		parts = append(parts, formatCount(i.DTypes[name])+" in "+name)
	}
	return strings.Join(parts, ", ")
}

func (i modelInfo) matrices() string {
	if i.Bits == 0 {
		return "floats"
	}
	return fmt.Sprintf("integers of %d bits, %s scales", i.Bits, formatCount(i.Scales))
}

func (i modelInfo) tokenizer() string {
	switch {
	case i.Tokenizer == nil:
		return "none: give one with --tokenizer FILE, or token ids with --ids"
	case i.Tokenizer.Error != "":
		return "unusable: " + i.Tokenizer.Error
	}
	return formatCount(int64(i.Tokenizer.VocabSize)) + " tokens"
}
