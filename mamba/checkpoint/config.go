package checkpoint

import "fmt"

// The values of [Config.Layout].
const (
	HuggingFace = "huggingface" // transformers: model_type, hidden_size, ...
	Original    = "original"    // state-spaces/mamba: d_model, ssm_cfg, ...
)

// Config is the architecture of a Mamba-1 language model, one form for both
// layouts.
type Config struct {
	DModel    int     // d, the width of the residual stream
	NLayer    int     // blocks
	DInner    int     // E, channels inside a block
	DState    int     // N, state per channel
	DConv     int     // K, taps of the convolution
	DTRank    int     // R, rank of the step size's projection
	VocabSize int     // V, rows of the embedding, padding included
	NormEps   float64 // epsilon of every RMS norm

	Tied        bool // the output matrix is the embedding
	UseBias     bool // in_proj and out_proj have biases
	UseConvBias bool // the convolution has a bias

	BOS []int // bos_token_id; nil when the file has none
	EOS []int // eos_token_id, a number or a list; nil when the file has none

	Bits int // of the matrices' integers, 8 or 4; 0 when the matrices are floats

	Layout string // HuggingFace or Original, of the file it was read from
}

// Limits of a sane model. They are far above any published one, and so low
// that no product of sizes, nor their sum over the layers, leaves int64.
const (
	maxDModel = 1 << 20
	maxDInner = 1 << 22
	maxDTRank = 1 << 20
	maxDState = 256
	minDConv  = 2
	maxDConv  = 8
	maxNLayer = 1 << 16
	maxVocab  = 1 << 28
)

// ParseConfig reads a config.json of either layout; the path is used in
// messages only. Booleans are as written, or as the layout's own software
// defaults them; [Open] sets them by the tensors. A field that is missing,
// of the wrong kind or out of range is a [*FormatError] that names it; another
// architecture is an [*UnsupportedError].
func ParseConfig(path string, data []byte) (Config, error) {
	o, err := parseObject(path, data)
	if err != nil {
		return Config{}, err
	}
	var c Config
	switch {
	case o.has("model_type"):
		c, err = parseHuggingFace(o)
	case o.has("d_model"):
		c, err = parseOriginal(o)
	default:
		err = &FormatError{Path: path, Got: "neither model_type nor d_model",
			Want: "the configuration of a Mamba-1 model, in Hugging Face or original layout"}
	}
	if err == nil {
		err = c.check(path)
	}
	if err != nil {
		return Config{}, err
	}
	return c, nil
}

// Parameters returns the number of weights, a tied output matrix counted once.
func (c Config) Parameters() int64 {
	d, e, n := int64(c.DModel), int64(c.DInner), int64(c.DState)
	r, k, v := int64(c.DTRank), int64(c.DConv), int64(c.VocabSize)
	layer := d + 2*e*d + e*k + (r+2*n)*e + e*r + e + e*n + e + d*e
	if c.UseBias {
		layer += 2*e + d
	}
	if c.UseConvBias {
		layer += e
	}
	total := v*d + int64(c.NLayer)*layer + d
	if !c.Tied {
		total += v * d
	}
	return total
}

// check reports the first size that no model has.
func (c Config) check(path string) error {
	name := fieldNames(c.Layout)
	for _, s := range []struct {
		field               string
		value, least, limit int
	}{
		{name.dModel, c.DModel, 1, maxDModel},
		{name.nLayer, c.NLayer, 1, maxNLayer},
		{name.dInner, c.DInner, 1, maxDInner},
		{name.dState, c.DState, 1, maxDState},
		{name.dConv, c.DConv, minDConv, maxDConv},
		{name.dtRank, c.DTRank, 1, maxDTRank},
		{name.vocab, c.VocabSize, 1, maxVocab},
	} {
		if s.value < s.least || s.value > s.limit {
			return &FormatError{Path: path, Field: s.field, Got: fmt.Sprint(s.value),
				Want: fmt.Sprintf("%d to %d", s.least, s.limit)}
		}
	}
	if c.Bits != 0 && c.Bits != 8 && c.Bits != 4 {
		return &FormatError{Path: path, Field: quantization + ".bits", Got: fmt.Sprint(c.Bits), Want: "8 or 4"}
	}
	if !(c.NormEps > 0 && c.NormEps < 1) {
		return &FormatError{Path: path, Field: "layer_norm_epsilon", Got: fmt.Sprint(c.NormEps), Want: "between 0 and 1"}
	}
	return nil
}

// names are the fields of a layout's config.json, for messages.
type names struct{ dModel, nLayer, dInner, dState, dConv, dtRank, vocab string }

func fieldNames(layout string) names {
	if layout == Original {
		return names{"d_model", "n_layer", "ssm_cfg.expand", "ssm_cfg.d_state", "ssm_cfg.d_conv", "ssm_cfg.dt_rank", "vocab_size"}
	}
	return names{"hidden_size", "num_hidden_layers", "intermediate_size", "state_size", "conv_kernel", "time_step_rank", "vocab_size"}
}
