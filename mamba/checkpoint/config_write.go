package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
)

// QuantizedConfig returns the config.json of the checkpoint with its matrices
// rounded to integers of so many bits, 8 or 4. In Hugging Face layout it has the
// members of the checkpoint's own, in their order, then the booleans as the tensors
// show them and quantization_config; of the original layout it has the sizes in
// Hugging Face layout.
func (c *Checkpoint) QuantizedConfig(bits int) ([]byte, error) {
	config := c.Config
	config.Bits = bits
	if config.Layout == Original {
		return HuggingFaceConfig(config)
	}
	data, err := fs.ReadFile(c.fsys, configFile)
	if err != nil {
		return nil, ioError(c.Path, err)
	}
	own := []string{"tie_word_embeddings", "use_bias", "use_conv_bias", quantization}
	values := []any{config.Tied, config.UseBias, config.UseConvBias, newQuantizationConfig(bits)}
	var w objectWriter
	err = eachMember(data, func(name string, value json.RawMessage) error {
		if slices.Contains(own, name) {
			return nil
		}
		return w.member(name, value)
	})
	for i, name := range own {
		err = errors.Join(err, w.member(name, values[i]))
	}
	if err != nil { // the file has changed since it was opened
		return nil, &FormatError{Path: c.Path, Got: configFile + " with " + err.Error(), Want: "a JSON object with each field once"}
	}
	var out bytes.Buffer
	err = json.Indent(&out, w.end(), "", "  ")
	return append(out.Bytes(), '\n'), err
}
