package bench

import (
	"fmt"
	"io"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// What a language model does.
const (
	prefillName  = "prefill"         // a prompt to the logits after its last token
	decodeName   = "decode"          // one token of each sequence to the next one
	togetherName = "decode_together" // that of one sequence with Options.Together of package mamba
)

// modelSpec is a model to time: a folder, or an architecture with random
// weights.
type modelSpec struct {
	name    string
	weights shaders.DType // of the matrices
	dir     string
	config  mamba.ModelConfig
	bytes   float64 // of all weights
	// together has the model opened so, and nothing else timed of it.
	together bool
}

// modelSize is a published architecture, state-spaces/mamba-NAME.
type modelSize struct {
	name           string
	layers, dModel int
}

// modelSizes are the published ones.
var modelSizes = []modelSize{{"130m", 24, 768}, {"370m", 48, 1024}, {"790m", 48, 1536}, {"1.4b", 48, 2048}, {"2.8b", 64, 2560}}

// Sizes lists what Options.Sizes may name.
func Sizes() []string {
	names := make([]string, len(modelSizes))
	for i, s := range modelSizes {
		names[i] = s.name
	}
	return names
}

// config is the architecture: the vocabulary of GPT-NeoX, padded to a multiple of
// eight.
func (s modelSize) config() mamba.ModelConfig {
	return mamba.ModelConfig{
		Layout: checkpoint.HuggingFace, DModel: s.dModel, NLayer: s.layers, DInner: 2 * s.dModel, DState: 16, DConv: 4,
		DTRank: (s.dModel + 15) / 16, VocabSize: 50280, NormEps: 1e-5, Tied: true, UseConvBias: true,
	}
}

// spec is a model of the size with random weights, its matrices stored as t.
func (s modelSize) spec(t shaders.DType) modelSpec {
	m := modelSpec{name: s.name, weights: t, config: withBits(s.config(), t)}
	for tensor := range m.config.Tensors() {
		if tensor.DType == 0 {
			tensor.DType = floatType(tensor.Name, t)
		}
		size := tensor.DType.Size()
		for _, n := range tensor.Shape {
			size *= n
		}
		m.bytes += float64(size)
	}
	return m
}

// folderModel is the model in a folder. Its weights count as stored the way its
// first layer's input projection is.
func folderModel(dir string) (modelSpec, error) {
	c, err := checkpoint.Open(dir)
	if err != nil {
		return modelSpec{}, err
	}
	defer c.Close()
	s := modelSpec{name: dir, dir: dir, config: c.Config}
	for _, name := range c.Names() {
		t, err := c.Tensor(name)
		if err != nil {
			return modelSpec{}, err
		}
		s.bytes += float64(t.Bytes())
		if name == "backbone.layers.0.mixer.in_proj.weight" {
			s.weights = storedAs(t.DType)
		}
	}
	return s, nil
}

// storedAs is a file's type as the kernels call it.
func storedAs(t checkpoint.DType) shaders.DType {
	switch t {
	case checkpoint.F16:
		return shaders.F16
	case checkpoint.BF16:
		return shaders.BF16
	case checkpoint.I8:
		return shaders.Q8
	case checkpoint.U8:
		return shaders.Q4
	}
	return shaders.F32
}

// open loads the model onto a device, with its kernels tuned, or where there is none
// onto the Go backend.
func (s *modelSpec) open(dev *wgpu.Device, t shaders.Tuning) (*mamba.Model, error) {
	opts := &mamba.Options{Device: dev, Tuning: t, Notices: io.Discard, Together: s.together}
	if dev == nil {
		opts.Adapter = mamba.GoAdapter
	}
	if s.dir != "" {
		return mamba.Load(s.dir, opts)
	}
	files, err := newSynthetic(s.config, s.weights)
	if err != nil {
		return nil, err
	}
	return mamba.LoadFS(files, ".", opts)
}

// modelCase is a model at one shape: (batch, length) of a prompt, or decoding
// of batch sequences.
type modelCase struct {
	name          string
	batch, length int
	always        bool // whatever the device has time for
}

// cases lists what is timed of a model. Of all, decoding of one sequence, and in
// float16 a prompt; of the smallest and the largest and of a user's own, the shapes
// at which the reference was timed, fewer if they are stored as integers. Decoding
// of one sequence is first: how long it takes tells what a device without roofs has
// time for.
func (s *modelSpec) cases() []modelCase {
	one, prompt := modelCase{decodeName, 1, 1, true}, modelCase{prefillName, 1, 2048, false}
	few, many := modelCase{decodeName, 8, 1, false}, modelCase{decodeName, 64, 1, false}
	small := s.dir != "" || s.name == "130m"
	switch {
	case s.together:
		return []modelCase{{togetherName, 1, 1, true}}
	case !small && s.name != "2.8b" && s.weights != shaders.F16:
		return []modelCase{one}
	case !small && s.name != "2.8b":
		return []modelCase{one, prompt}
	case s.weights.Quantized():
		return []modelCase{one, few, prompt}
	case !small:
		return []modelCase{one, few, many, prompt, {prefillName, 8, 2048, false}}
	}
	return []modelCase{
		one, few, many,
		{prefillName, 1, 64, true}, {prefillName, 1, 512, false}, prompt, {prefillName, 8, 2048, false},
	}
}

// label is the model and how its weights are stored, unless that is float32.
func (s *modelSpec) label() string {
	if s.dir != "" || s.weights == shaders.F32 {
		return s.name
	}
	return s.name + " " + s.weights.String()
}

// decodes reports whether the case is one of decoding.
func (c modelCase) decodes() bool { return c.name == decodeName || c.name == togetherName }

func (c modelCase) shape(model string) string {
	if c.decodes() {
		return fmt.Sprintf("%s batch %d", model, c.batch)
	}
	return fmt.Sprintf("%s (%d,%d)", model, c.batch, c.length)
}

// work is the bytes that a run of the case must move and the operations that
// it must do: every weight is read once, but of the embedding only the rows
// looked up, and every state is read and replaced.
func (c modelCase) work(s *modelSpec) (bytes, flops float64) {
	m := s.config
	tokens, table := float64(c.batch*c.length), float64(m.VocabSize)*float64(m.DModel)
	all := float64(m.Parameters())
	used, blocks := all, all-table
	if !m.Tied {
		used, blocks = all-table, all-2*table
	}
	scan := 6 * float64(m.NLayer) * float64(m.DInner) * float64(m.DState)
	bytes = s.bytes*used/all + 2*float64(c.batch)*float64(mamba.StateSize(m))
	return bytes, tokens*(2*blocks+scan) + 2*table*float64(c.batch)
}

// ids is a prompt, another one for each row.
func ids(vocabulary, row, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = ((i+1009*row)*7919 + 13) % vocabulary
	}
	return out
}
