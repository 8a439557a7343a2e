package checkpoint

import (
	"encoding/json"
	"fmt"
	"math"
)

func parseHuggingFace(o *object) (Config, error) {
	if kind := o.text("model_type", ""); kind != "mamba" && *o.err == nil {
		return Config{}, unsupportedKind(o.path, kind)
	}
	if act := o.text("hidden_act", "silu"); act != "silu" && act != "swish" && *o.err == nil {
		return Config{}, &UnsupportedError{Path: o.path, What: "hidden_act " + clip(act), Way: "Mamba-1 models use silu"}
	}
	c := Config{
		Layout:      HuggingFace,
		DModel:      o.size("hidden_size"),
		NLayer:      o.size("num_hidden_layers"),
		DState:      o.sizeOr("state_size", 16),
		DConv:       o.sizeOr("conv_kernel", 4),
		VocabSize:   o.size("vocab_size"),
		NormEps:     o.float("layer_norm_epsilon", 1e-5),
		Tied:        o.bool("tie_word_embeddings", true),
		UseBias:     o.bool("use_bias", false),
		UseConvBias: o.bool("use_conv_bias", true),
		BOS:         o.ids("bos_token_id"),
		EOS:         o.ids("eos_token_id"),
	}
	bits, err := o.quantizedBits()
	if err != nil {
		return Config{}, err
	}
	c.Bits = bits
	c.DTRank = o.rank("time_step_rank", c.DModel)
	c.DInner = o.innerSize(c.DModel)
	return c, *o.err
}

// innerSize reads intermediate_size, or expand in its absence; two that
// disagree are an error.
func (o *object) innerSize(dModel int) int {
	if !o.has("intermediate_size") {
		return o.expanded(dModel)
	}
	inner := o.size("intermediate_size")
	if o.has("expand") {
		if want := o.expanded(dModel); want != inner {
			o.fail("intermediate_size", fmt.Sprintf("%d, expand x hidden_size", want))
		}
	}
	return inner
}

// HuggingFaceConfig returns the config.json of c in Hugging Face layout. A
// size that [ParseConfig] would refuse is a [*FormatError].
func HuggingFaceConfig(c Config) ([]byte, error) {
	c.Layout = HuggingFace
	if err := c.check(""); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(struct {
		Architectures    []string `json:"architectures"`
		ModelType        string   `json:"model_type"`
		BOS              any      `json:"bos_token_id,omitempty"`
		EOS              any      `json:"eos_token_id,omitempty"`
		ConvKernel       int      `json:"conv_kernel"`
		Expand           float64  `json:"expand"`
		HiddenAct        string   `json:"hidden_act"`
		HiddenSize       int      `json:"hidden_size"`
		IntermediateSize int      `json:"intermediate_size"`
		LayerNormEpsilon float64  `json:"layer_norm_epsilon"`
		NumHiddenLayers  int      `json:"num_hidden_layers"`
		ResidualInFP32   bool     `json:"residual_in_fp32"`
		StateSize        int      `json:"state_size"`
		TimeStepRank     int      `json:"time_step_rank"`
		Tied             bool     `json:"tie_word_embeddings"`
		UseBias          bool     `json:"use_bias"`
		UseConvBias      bool     `json:"use_conv_bias"`
		VocabSize        int      `json:"vocab_size"`

		Quantization *quantizationConfig `json:"quantization_config,omitempty"`
	}{
		Architectures: []string{"MambaForCausalLM"}, ModelType: "mamba",
		BOS: oneOrMany(c.BOS), EOS: oneOrMany(c.EOS),
		ConvKernel: c.DConv, Expand: expand(c), HiddenAct: "silu",
		HiddenSize: c.DModel, IntermediateSize: c.DInner,
		LayerNormEpsilon: c.NormEps, NumHiddenLayers: c.NLayer, ResidualInFP32: true,
		StateSize: c.DState, TimeStepRank: c.DTRank,
		Tied: c.Tied, UseBias: c.UseBias, UseConvBias: c.UseConvBias, VocabSize: c.VocabSize,
		Quantization: newQuantizationConfig(c.Bits),
	}, "", "  ")
	return append(data, '\n'), err
}

// expand returns the factor whose product with d, rounded towards zero, is E.
func expand(c Config) float64 {
	factor := float64(c.DInner) / float64(c.DModel)
	if int(factor*float64(c.DModel)) < c.DInner {
		factor = math.Nextafter(factor, math.Inf(1))
	}
	return factor
}

// oneOrMany gives a single id as a number and no id as nothing.
func oneOrMany(ids []int) any {
	switch {
	case ids == nil:
		return nil
	case len(ids) == 1:
		return ids[0]
	}
	return ids
}
