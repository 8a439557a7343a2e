package main

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/wgpu"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// checked is a flag whose value must pass a check.
type checked[T any] struct {
	value *T
	parse func(string) (T, error)
	show  func(T) string
	ok    func(T) bool
	want  string // what the check asks for
	kind  string // the value's name in the help
}

// Set parses and checks text.
func (c *checked[T]) Set(text string) error {
	v, err := c.parse(text)
	if err != nil || !c.ok(v) {
		return usagef("want %s", c.want)
	}
	*c.value = v
	return nil
}

// String returns the value as it is shown in the help.
func (c *checked[T]) String() string {
	if c.value == nil {
		return ""
	}
	return c.show(*c.value)
}

// Type returns the value's name in the help.
func (c *checked[T]) Type() string { return c.kind }

func intFlag(p *int, least int) pflag.Value {
	return &checked[int]{value: p, parse: strconv.Atoi, show: strconv.Itoa, kind: "N",
		ok: func(v int) bool { return v >= least }, want: "a whole number, " + strconv.Itoa(least) + " or more"}
}

func floatFlag(p *float64, want string, ok func(float64) bool) pflag.Value {
	return &checked[float64]{value: p, ok: ok, want: want, kind: "X",
		parse: func(s string) (float64, error) { return strconv.ParseFloat(s, 64) },
		show:  func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }}
}

func textFlag(p *string, kind string) pflag.Value {
	same := func(s string) string { return s }
	return &checked[string]{value: p, show: same, kind: kind, want: "a name",
		parse: func(s string) (string, error) { return s, nil }, ok: func(s string) bool { return s != "" }}
}

func bytesFlag(p *uint64) pflag.Value {
	return &checked[uint64]{value: p, parse: parseBytes, kind: "BYTES",
		ok:   func(v uint64) bool { return v > 0 },
		want: "a number of bytes such as 900MB, 2G or 1.5GiB",
		show: func(v uint64) string {
			if v == 0 {
				return ""
			}
			return strconv.FormatUint(v, 10)
		}}
}

func notNegative(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }

// parseBytes reads a number of bytes: KB, MB, GB, TB are powers of 1000; K, M,
// G, T and KiB, MiB, GiB, TiB powers of 1024. Capitals do not matter.
func parseBytes(text string) (uint64, error) {
	s := strings.ToLower(strings.TrimSpace(text))
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz ")
	unit := strings.TrimSpace(s[len(number):])
	scale, ok := map[string]float64{
		"": 1, "b": 1,
		"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	}[unit]
	v, err := strconv.ParseFloat(number, 64)
	if v *= scale; err != nil || !ok || !(v >= 0 && v < 1<<63) {
		return 0, usagef("%q is no number of bytes", text)
	}
	return uint64(v), nil
}

// parseIDs reads token ids separated by commas or white space.
func parseIDs(text string) ([]int, error) {
	var ids []int
	for part := range strings.SplitSeq(text, ",") {
		fields := strings.Fields(part)
		if len(fields) == 0 && strings.Contains(text, ",") {
			return nil, usagef("an id is missing in %q", clip(text, 60))
		}
		for _, field := range fields {
			id, err := strconv.Atoi(field)
			if err != nil || id < 0 {
				return nil, usagef("%q is no token id: want whole numbers such as 1,2,3", clip(field, 60))
			}
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func addJSONFlag(cmd *cobra.Command, p *bool) {
	cmd.Flags().BoolVar(p, "json", false, "print one JSON object")
}

func addModelFlag(cmd *cobra.Command, s *source) {
	otherwise := "the model that ships"
	if s.reference {
		otherwise = "the reference model"
	}
	cmd.Flags().Var(textFlag(&s.dir, "DIR"), "model", "the model's `DIR` (default: "+otherwise+")")
	cmd.MarkFlagDirname("model")
}

func addWeightsFlag(cmd *cobra.Command, p *mamba.Weights) {
	types := []mamba.Weights{mamba.WeightsF32, mamba.WeightsF16, mamba.WeightsBF16, mamba.WeightsQ8, mamba.WeightsQ4}
	cmd.Flags().Var(&checked[mamba.Weights]{value: p, kind: "TYPE", want: "f32, f16, bf16, q8 or q4",
		parse: func(s string) (mamba.Weights, error) { return mamba.Weights(s), nil },
		ok:    func(w mamba.Weights) bool { return slices.Contains(types, w) },
		show:  func(w mamba.Weights) string { return string(w) },
	}, "weights", "round the matrices to `TYPE` while loading: f32, f16, bf16, q8 or q4, which are\n"+
		"integers of 8 and 4 bits (default: as they are stored)")
	cmd.RegisterFlagCompletionFunc("weights", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, w := range types {
			names = append(names, string(w))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

func addTokenizerFlag(cmd *cobra.Command, s *source) {
	cmd.Flags().Var(textFlag(&s.tokenizer, "FILE"), "tokenizer", "a tokenizer.json `FILE` to use instead of the model's own")
	cmd.MarkFlagFilename("tokenizer", "json")
}

func addAdapterFlag(cmd *cobra.Command, p *string) {
	cmd.Flags().StringVar(p, "adapter", "", "what to compute on: the index or a part of the `NAME` of an adapter in\n"+
		"'mambagpu devices', or go (default: $MAMBAGPU_ADAPTER, else the best GPU)")
	cmd.RegisterFlagCompletionFunc("adapter", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		found, _ := wgpu.Adapters()
		names := []string{goAdapter}
		for _, a := range found {
			names = append(names, a.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}
