package checkpoint_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// edited returns the JSON object base with some fields changed, or removed
// where the new value is removed.
func edited(t testing.TB, base string, edits map[string]any) []byte {
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(base), &m))
	for key, value := range edits {
		m[key] = value
		if value == removed {
			delete(m, key)
		}
	}
	data, err := json.Marshal(m)
	require.NoError(t, err)
	return data
}

type marker int

const removed marker = 0

type edits = map[string]any

const (
	hfBase = `{"model_type":"mamba","hidden_size":768,"num_hidden_layers":24,"intermediate_size":1536,"state_size":16,
		"conv_kernel":4,"expand":2,"time_step_rank":48,"layer_norm_epsilon":1e-05,"use_bias":false,"use_conv_bias":true,
		"tie_word_embeddings":true,"vocab_size":50280,"bos_token_id":0,"eos_token_id":0,"hidden_act":"silu",
		"d_model":768,"n_layer":24,"ssm_cfg":{},"rms_norm":true,"residual_in_fp32":true}`
	originalBase = `{"d_model":2560,"n_layer":64,"vocab_size":50277,"ssm_cfg":{},"rms_norm":true,"residual_in_fp32":true,
		"fused_add_norm":true,"pad_vocab_size_multiple":8}`
)

func TestParseHuggingFace(t *testing.T) {
	c, err := checkpoint.ParseConfig("config.json", []byte(hfBase))
	require.NoError(t, err)
	require.Equal(t, checkpoint.Config{
		Layout: checkpoint.HuggingFace, DModel: 768, NLayer: 24, DInner: 1536, DState: 16, DConv: 4, DTRank: 48,
		VocabSize: 50280, NormEps: 1e-5, Tied: true, UseConvBias: true, BOS: []int{0}, EOS: []int{0},
	}, c)
	require.EqualValues(t, 129_135_360, c.Parameters()) // mamba-130m
	bare := checkpoint.Config{Layout: checkpoint.HuggingFace, DModel: 100, NLayer: 1, DInner: 200, DState: 16, DConv: 4,
		DTRank: 7, VocabSize: 5, NormEps: 1e-5, Tied: true, UseConvBias: true}
	for _, text := range []string{
		`{"model_type":"mamba","hidden_size":100,"num_hidden_layers":1,"vocab_size":5}`,
		`{"model_type":"mamba","hidden_size":100,"num_hidden_layers":1,"vocab_size":5,"time_step_rank":"auto","eos_token_id":null,"expand":2.0,"intermediate_size":200}`,
	} {
		c, err = checkpoint.ParseConfig("config.json", []byte(text))
		require.NoError(t, err)
		require.Equal(t, bare, c)
	}
	c, err = checkpoint.ParseConfig("config.json", edited(t, hfBase, edits{
		"eos_token_id": []int{3, 4}, "expand": 1.5, "intermediate_size": removed, "use_bias": true, "tie_word_embeddings": false,
	}))
	require.NoError(t, err)
	require.Equal(t, []int{3, 4}, c.EOS)
	require.Equal(t, 1152, c.DInner)
	require.True(t, c.UseBias)
	require.False(t, c.Tied)
}

func TestParseOriginal(t *testing.T) {
	c, err := checkpoint.ParseConfig("config.json", []byte(originalBase))
	require.NoError(t, err)
	require.Equal(t, checkpoint.Config{
		Layout: checkpoint.Original, DModel: 2560, NLayer: 64, DInner: 5120, DState: 16, DConv: 4, DTRank: 160,
		VocabSize: 50280, NormEps: 1e-5, Tied: true, UseConvBias: true,
	}, c)
	c, err = checkpoint.ParseConfig("config.json", edited(t, originalBase, edits{
		"ssm_cfg":                 edits{"layer": "Mamba1", "d_state": 5, "d_conv": 3, "expand": 1.5, "dt_rank": 7, "bias": true, "conv_bias": false},
		"pad_vocab_size_multiple": 16, "tie_embeddings": false, "attn_layer_idx": []int{}, "attn_cfg": edits{}, "d_intermediate": 0,
	}))
	require.NoError(t, err)
	require.Equal(t, checkpoint.Config{
		Layout: checkpoint.Original, DModel: 2560, NLayer: 64, DInner: 3840, DState: 5, DConv: 3, DTRank: 7,
		VocabSize: 50288, NormEps: 1e-5, UseBias: true,
	}, c)
	c, err = checkpoint.ParseConfig("config.json", []byte(`{"d_model":17,"n_layer":1,"vocab_size":8,"ssm_cfg":null}`))
	require.NoError(t, err)
	require.Equal(t, 2, c.DTRank)
	require.Equal(t, 8, c.VocabSize)
}

func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		base, field string
		value       any
		parts       []string
	}{
		{hfBase, "hidden_size", removed, []string{"got nothing", "positive integer"}},
		{hfBase, "hidden_size", -1, []string{"got -1", "positive integer"}},
		{hfBase, "hidden_size", 0, []string{"got 0"}},
		{hfBase, "hidden_size", "768", []string{`got "768"`}},
		{hfBase, "hidden_size", 768.5, []string{"got 768.5"}},
		{hfBase, "hidden_size", 1e15, []string{"got 1000000000000000"}},
		{hfBase, "num_hidden_layers", removed, []string{"got nothing"}},
		{hfBase, "num_hidden_layers", 70_000, []string{"got 70000", "1 to 65536"}},
		{hfBase, "vocab_size", removed, []string{"got nothing"}},
		{hfBase, "vocab_size", 2_000_000_000, []string{"1 to 268435456"}},
		{hfBase, "state_size", 257, []string{"got 257", "1 to 256"}},
		{hfBase, "state_size", []int{1}, []string{"got [1]"}},
		{hfBase, "conv_kernel", 1, []string{"got 1", "2 to 8"}},
		{hfBase, "conv_kernel", 9, []string{"got 9", "2 to 8"}},
		{hfBase, "time_step_rank", "big", []string{`got "big"`, `"auto"`}},
		{hfBase, "time_step_rank", 0, []string{"got 0"}},
		{hfBase, "time_step_rank", 2_000_000, []string{"1 to 1048576"}},
		{hfBase, "intermediate_size", 1500, []string{"got 1500", "want 1536, expand x hidden_size"}},
		{hfBase, "expand", "2", []string{`got "2"`}},
		{hfBase, "expand", -2, []string{"got -2"}},
		{hfBase, "expand", 1e300, []string{"got 1e+300"}},
		{hfBase, "layer_norm_epsilon", 0, []string{"got 0", "between 0 and 1"}},
		{hfBase, "layer_norm_epsilon", "x", []string{"a number"}},
		{hfBase, "use_bias", 1, []string{"got 1", "true or false"}},
		{hfBase, "eos_token_id", "x", []string{"token id"}},
		{hfBase, "eos_token_id", []int{-1}, []string{"got [-1]", "token id"}},
		{hfBase, "hidden_act", 3, []string{"a string"}},
		{hfBase, "model_type", 3, []string{"a string"}},
		{originalBase, "d_model", "x", []string{"positive integer"}},
		{originalBase, "n_layer", removed, []string{"got nothing"}},
		{originalBase, "vocab_size", removed, []string{"got nothing"}},
		{originalBase, "pad_vocab_size_multiple", 0, []string{"got 0"}},
		{originalBase, "ssm_cfg", 3, []string{"an object"}},
		{originalBase, "rms_norm", "yes", []string{"true or false"}},
		{originalBase, "residual_in_fp32", "yes", []string{"true or false"}},
	} {
		_, err := checkpoint.ParseConfig("dir/config.json", edited(t, c.base, edits{c.field: c.value}))
		e := formatError(t, err, append(c.parts, "dir/config.json", "config field "+c.field)...)
		require.Equal(t, c.field, e.Field)
	}
	_, err := checkpoint.ParseConfig("p", edited(t, originalBase, edits{"ssm_cfg": edits{"d_state": 300}}))
	formatError(t, err, "ssm_cfg.d_state", "300")
	_, err = checkpoint.ParseConfig("p", edited(t, originalBase, edits{"ssm_cfg": edits{"d_conv": "x"}}))
	formatError(t, err, "ssm_cfg.d_conv", `"x"`)
	for text, part := range map[string]string{
		"": "invalid JSON", "[]": "not an object", "{": "invalid JSON", `{}`: "neither model_type nor d_model",
		`{"model_type":"mamba","model_type":"mamba"}`: "model_type twice", "\ufeff{}": "invalid JSON",
	} {
		_, err := checkpoint.ParseConfig("p", []byte(text))
		formatError(t, err, "p: ", part)
	}
}

func TestConfigRefusals(t *testing.T) {
	for kind, part := range map[string]string{
		"mamba2": "Mamba-2", "falcon_mamba": "Falcon Mamba", "jamba": "hybrid", "zamba2": "hybrid", "bamba": "hybrid",
		"nemotron_h": "hybrid", "granitemoehybrid": "hybrid", "falcon_h1": "hybrid", "plamo2": "hybrid", "llama": "llama",
	} {
		_, err := checkpoint.ParseConfig("dir/config.json", edited(t, hfBase, edits{"model_type": kind}))
		unsupported(t, err, "dir/config.json", kind, part, "Mamba-1")
	}
	_, err := checkpoint.ParseConfig("p", edited(t, hfBase, edits{"hidden_act": "gelu"}))
	unsupported(t, err, "hidden_act gelu")
	for _, c := range []struct {
		part   string
		change edits
	}{
		{"Mamba-2", edits{"ssm_cfg": edits{"layer": "Mamba2"}}},
		{"Mamba3", edits{"ssm_cfg": edits{"layer": "Mamba3"}}},
		{"attention", edits{"attn_layer_idx": []int{3}}},
		{"attention", edits{"attn_cfg": edits{"num_heads": 3}}},
		{"MLP", edits{"d_intermediate": 512}},
		{"LayerNorm", edits{"rms_norm": false}},
	} {
		_, err := checkpoint.ParseConfig("p", edited(t, originalBase, c.change))
		unsupported(t, err, c.part)
	}
}

func drawConfig(t *rapid.T) checkpoint.Config {
	size := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name) }
	return checkpoint.Config{
		Layout: checkpoint.HuggingFace,
		DModel: size("d", 1, 1<<20), NLayer: size("layers", 1, 50), DInner: size("E", 1, 1<<22), DState: size("N", 1, 256),
		DConv: size("K", 2, 8), DTRank: size("R", 1, 1<<20), VocabSize: size("V", 1, 1<<28), NormEps: 1e-5,
		Tied: rapid.Bool().Draw(t, "tied"), UseBias: rapid.Bool().Draw(t, "bias"), UseConvBias: rapid.Bool().Draw(t, "conv bias"),
		EOS: rapid.SampledFrom([][]int{nil, {0}, {1, 2}, {}}).Draw(t, "eos"),
	}
}

func TestConfigRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawConfig(t)
		data, err := checkpoint.HuggingFaceConfig(c)
		require.NoError(t, err)
		got, err := checkpoint.ParseConfig("config.json", data)
		require.NoError(t, err)
		require.Equal(t, c, got)
		sum := int64(0)
		for _, shape := range c.Shapes() {
			n := int64(1)
			for _, d := range shape {
				n *= int64(d)
			}
			sum += n
		}
		require.Equal(t, sum, c.Parameters())
	})
}

func TestHuggingFaceConfigErrors(t *testing.T) {
	c := odd()
	c.DConv = 1
	_, err := checkpoint.HuggingFaceConfig(c)
	formatError(t, err, "conv_kernel")
	_, err = checkpoint.HuggingFaceConfig(checkpoint.Config{})
	formatError(t, err, "hidden_size")
}

func TestPublishedSizes(t *testing.T) {
	for _, m := range []struct {
		layers, d int
		want      int64
	}{{24, 768, 129_135_360}, {48, 1024, 371_516_416}, {48, 1536, 793_204_224}, {48, 2048, 1_372_178_432}, {64, 2560, 2_768_345_600}} {
		c, err := checkpoint.ParseConfig("p", edited(t, originalBase, edits{"n_layer": m.layers, "d_model": m.d}))
		require.NoError(t, err)
		require.Equal(t, m.want, c.Parameters())
	}
}
