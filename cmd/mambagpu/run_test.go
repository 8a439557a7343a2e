package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]uint64{
		"1": 1, "900MB": 900e6, "2G": 2 << 30, "2GiB": 2 << 30, "1.5 gb": 1.5e9, "64k": 64 << 10, "3b": 3, "1e3": 1000, "1TB": 1e12,
	} {
		got, err := parseBytes(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "G", "-1", "1X", "1GG", "NaN", "inf", "1e30", "0x10G2"} {
		_, err := parseBytes(text)
		require.Error(t, err, text)
	}
}

func TestParseIDs(t *testing.T) {
	for text, want := range map[string][]int{
		"": nil, "1": {1}, "1,2,3": {1, 2, 3}, " 1, 2 ,3\n": {1, 2, 3}, "4 5\t6": {4, 5, 6}, "1 2,3": {1, 2, 3},
	} {
		got, err := parseIDs(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{",", "1,", "1,,2", "x", "-1", "1.5", "99999999999999999999"} {
		_, err := parseIDs(text)
		require.ErrorAs(t, err, new(usageError), text)
	}
}

// parse fills options from a command line of generate.
func parse(t *testing.T, args ...string) (mamba.GenerateOptions, error) {
	t.Helper()
	var s mamba.GenerateOptions
	cmd := &cobra.Command{}
	addSamplingFlags(cmd, &s)
	return s, cmd.ParseFlags(args)
}

func TestSamplingFlags(t *testing.T) {
	var want mamba.GenerateOptions
	want.MaxTokens, want.Temperature, want.TopK, want.TopP, want.MinP = 5, 0.7, 40, 0.9, 0.05
	want.RepetitionPenalty, want.Seed, want.Stop, want.IgnoreEOS = 1.1, 18446744073709551615, []string{"a,b", "c"}, true
	var s mamba.GenerateOptions
	cmd := &cobra.Command{}
	addSamplingFlags(cmd, &s)
	require.NoError(t, cmd.ParseFlags(strings.Fields("--max-tokens 5 --temperature .7 --top-k 40 --top-p .9 --min-p .05"+
		" --repetition-penalty 1.1 --seed 18446744073709551615 --stop a,b --stop c --ignore-eos")))
	require.Equal(t, want, s)
}

func TestBadSamplingFlags(t *testing.T) {
	for _, arg := range []string{
		"--max-tokens=-3", "--max-tokens=many", "--temperature=-0.1", "--temperature=NaN", "--temperature=Inf",
		"--top-k=-1", "--top-p=0", "--top-p=1.01", "--top-p=NaN", "--min-p=-1", "--min-p=1", "--repetition-penalty=0",
		"--repetition-penalty=Inf", "--seed=-1",
	} {
		_, err := parse(t, arg)
		require.Error(t, err, arg)
	}
}

func TestMessage(t *testing.T) {
	for text, want := range map[string]string{
		"mamba: empty prompt":                   "empty prompt",
		"mamba: checkpoint: a: got b, want c":   "a: got b, want c",
		"other: mamba: x":                       "other: mamba: x",
		"tokenizer":                             "tokenizer",
		"wgpu: no WebGPU adapter found\n  more": "no WebGPU adapter found\n  more",
	} {
		require.Equal(t, want, message(errors.New(text)))
	}
}

func TestFormat(t *testing.T) {
	require.Equal(t, "0 bytes", formatBytes(0))
	require.Equal(t, "999 bytes", formatBytes(999))
	require.Equal(t, "1.0 kB", formatBytes(1000))
	require.Equal(t, "1.0 MB", formatBytes(999_990))
	require.Equal(t, "9.3 MB", formatBytes(9_266_176))
	require.Equal(t, "1000.0 TB", formatBytes(1e15))
	require.Equal(t, "0", formatCount(0))
	require.Equal(t, "999", formatCount(999))
	require.Equal(t, "4,552,960", formatCount(4552960))
	require.Equal(t, "1,234", formatRate(1234.4))
	require.Equal(t, "12.3", formatRate(12.34))
	require.Equal(t, "ab…", clip("abcd", 3))
	require.Equal(t, "ünï", clip("ünï", 3))
}

func TestSpeeds(t *testing.T) {
	start := time.Unix(0, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	prefill, decode := (&stopwatch{start: start, first: at(100), last: at(600), tokens: 6}).speeds(10)
	require.InDelta(t, 100, prefill, 1e-9)
	require.InDelta(t, 10, decode, 1e-9)
	prefill, decode = (&stopwatch{start: start, first: at(100), last: at(100), tokens: 1}).speeds(10)
	require.InDelta(t, 100, prefill, 1e-9)
	require.Zero(t, decode)
	prefill, decode = (&stopwatch{start: start}).speeds(10)
	require.Zero(t, prefill)
	require.Zero(t, decode)
}

func TestDefaultDevice(t *testing.T) {
	entries := []deviceEntry{{Adapter: "0", Name: "NVIDIA H100"}, {Adapter: "1", Name: "llvmpipe (Mango)"}, {Adapter: "go", Name: "pure Go"}}
	for want, index := range map[string]int{"": 0, "1": 1, "h100": 0, "LLVM": 1, "go": 2, "7": -1, "none": -1} {
		require.Equal(t, index, defaultDevice(entries, want), want)
	}
	require.Equal(t, 0, defaultDevice(entries[2:], ""))
}

func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(100, 0)
	p := &progress{w: &out, label: "loading weights", unit: unitBytes, start: now, now: func() time.Time { return now }}
	for done := range int64(12) {
		p.update(done*1e9, 12e9)
		now = now.Add(time.Second)
	}
	p.update(12e9, 12e9)
	require.Equal(t, "loading weights: 2.0 GB of 12.0 GB\nloading weights: 7.0 GB of 12.0 GB\n", out.String())
	require.Equal(t, "3 of 8 cases", unitCases.part(3, 8))
}

func TestParseExpected(t *testing.T) {
	whole := `{"ids":[1],"greedy_ids":[2],"logits_last_first16":[0.5],"logits_last_max":1,"logsumexp_last":2}`
	cases, err := parseExpected("e.json", []byte(`{"cases":[`+whole+`]}`))
	require.NoError(t, err)
	require.Nil(t, cases[0].Prompt)
	require.Nil(t, cases[0].MinMargin)
	require.Equal(t, "ids 1", cases[0].name())
	for text, want := range map[string]string{
		``:                             "e.json: unexpected end",
		`{"cases":[`:                   "e.json: unexpected end",
		`[]`:                           "e.json: json",
		`{}`:                           "e.json: no cases",
		`{"cases":[` + whole + `,{}]}`: "e.json: case 2: no ids",
		`{"cases":[{"ids":["a"]}]}`:    "e.json: json",
		`{"cases":[{"ids":[1]}]}`:      "e.json: case 1: no greedy_ids",
		`{"cases":[{"ids":[1],"greedy_ids":[1],"logits_last_first16":[1]}]}`: "e.json: case 1: no logits_last_max",
	} {
		_, err := parseExpected("e.json", []byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestCompareLogits(t *testing.T) {
	logits := []float32{1, -4, 2}
	top, sum := 2.0, logSumExp(logits)
	require.InDelta(t, math.Log(math.Exp(1)+math.Exp(-4)+math.Exp(2)), sum, 1e-12)
	e := expectation{First: []float64{1, -4}, Max: &top, LogSumExp: &sum}
	v := e.compareLogits(logits)
	require.True(t, v.Pass)
	require.Zero(t, *v.Worst)

	v = e.compareLogits([]float32{1, -4.004, 2})
	require.False(t, v.Pass)
	require.InDelta(t, 1e-3, *v.Worst, 1e-6)
	require.Equal(t, "logit 1 is -4.004, want -4", v.Note)

	v = e.compareLogits([]float32{1, float32(math.NaN()), 2})
	require.False(t, v.Pass)
	require.Nil(t, v.Worst)

	v = e.compareLogits([]float32{1})
	require.False(t, v.Pass)
	require.Equal(t, "1 logits, want 2 or more", v.Note)
}

func TestCompareGreedy(t *testing.T) {
	margin := 5e-4
	e := expectation{GreedyIDs: []int{1, 2, 3, 4}, MinMargin: &margin}
	require.True(t, e.compareGreedy([]int{1, 2, 3, 4}).Pass)
	v := e.compareGreedy([]int{1, 2, 9, 9})
	require.False(t, v.Pass)
	require.InDelta(t, 2, *v.Worst, 0)
	require.Contains(t, v.Note, "id 2 is 9, want 3")
	require.Contains(t, v.Note, "0.0005")
	require.Equal(t, "id 1 is missing, want 2", compareIDs(checkTokens, []int{1}, []int{1, 2}).Note)
}

// brokenWriter fails as a full disk does.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, fs.ErrInvalid }

func TestUnwritableOutput(t *testing.T) {
	var stderr bytes.Buffer
	require.Equal(t, exitFailure, run(context.Background(), []string{"info"}, strings.NewReader(""), brokenWriter{}, &stderr))
	require.Equal(t, "mambagpu: invalid argument\n", stderr.String())
}

func TestEveryCommandHasAnExample(t *testing.T) {
	a := &app{stdout: &output{w: new(bytes.Buffer)}}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		require.NotEmpty(t, cmd.Example, cmd.CommandPath())
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(a.rootCommand())
}
