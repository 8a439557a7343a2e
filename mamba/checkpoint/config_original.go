package checkpoint

import "strings"

func parseOriginal(o *object) (Config, error) {
	if o.has(quantization) {
		o.fail(quantization, "none: quantised models have the Hugging Face layout")
		return Config{}, *o.err
	}
	ssm := o.object("ssm_cfg")
	if err := refuseOriginal(o, ssm); err != nil {
		return Config{}, err
	}
	// residual_in_fp32 and fused_add_norm say how the reference computes, not
	// what: they are only checked to be what they should.
	o.bool("residual_in_fp32", true)
	o.bool("fused_add_norm", true)
	c := Config{
		Layout:      Original,
		DModel:      o.size("d_model"),
		NLayer:      o.size("n_layer"),
		DState:      ssm.sizeOr("d_state", 16),
		DConv:       ssm.sizeOr("d_conv", 4),
		NormEps:     1e-5,
		Tied:        o.bool("tie_embeddings", true),
		UseBias:     ssm.bool("bias", false),
		UseConvBias: ssm.bool("conv_bias", true),
		BOS:         o.ids("bos_token_id"),
		EOS:         o.ids("eos_token_id"),
	}
	c.DTRank = ssm.rank("dt_rank", c.DModel)
	c.DInner = ssm.expanded(c.DModel)
	c.VocabSize = o.paddedVocab()
	return c, *o.err
}

// paddedVocab returns vocab_size, rounded up to a whole multiple of
// pad_vocab_size_multiple.
func (o *object) paddedVocab() int {
	v := o.size("vocab_size")
	m := o.sizeOr("pad_vocab_size_multiple", 8)
	if m == 0 || v > maxVocab || m > maxVocab {
		return v
	}
	return (v + m - 1) / m * m
}

// refuseOriginal names what the original code can build beside Mamba-1.
func refuseOriginal(o, ssm *object) error {
	refuse := func(what string) error {
		return &UnsupportedError{Path: o.path, What: what, Way: mambaWay}
	}
	layer := ssm.text("layer", "Mamba1")
	rms := o.bool("rms_norm", true)
	attention := o.has("attn_layer_idx") && !isEmpty(o, "attn_layer_idx") || o.has("attn_cfg") && !isEmpty(o, "attn_cfg")
	mlp := o.float("d_intermediate", 0)
	switch {
	case *o.err != nil:
		return *o.err
	case layer == "Mamba2":
		return refuse("Mamba-2 (ssm_cfg.layer Mamba2)")
	case layer != "Mamba1":
		return refuse("ssm_cfg.layer " + clip(layer))
	case attention:
		return refuse("a hybrid of Mamba and attention (attn_layer_idx, attn_cfg)")
	case mlp != 0:
		return refuse("a hybrid of Mamba and MLP (d_intermediate)")
	case !rms:
		return refuse("LayerNorm (rms_norm false)")
	}
	return nil
}

// isEmpty reports whether the field is an empty list or object.
func isEmpty(o *object, name string) bool {
	text := strings.Join(strings.Fields(string(o.values[name])), "")
	return text == "[]" || text == "{}"
}
