package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/mamba/tokenizer"
	"github.com/mambagpu/mambagpu/mamba/train"
)

// defaultSizes is the shape of the reference model.
const defaultSizes = "d_model=256,n_layer=8"

// readTexts reads the tokenizer, the model's configuration and the texts.
func (o *trainOptions) readTexts() error {
	texts, err := readTexts(o.data)
	if err != nil {
		return err
	}
	var valid []string
	if o.valid != "" {
		if valid, err = readTexts([]string{o.valid}); err != nil {
			return err
		}
	}
	path, data, err := o.readTokenizer()
	if err != nil {
		return err
	}
	tok, err := tokenizer.Parse(path, data)
	if err != nil {
		return err
	}
	if err := o.readConfig(tok); err != nil {
		return err
	}
	o.run.Tokenizer = data
	o.run.Data = train.Tokenize(tok, texts...)
	if o.valid != "" {
		o.run.Valid = train.Tokenize(tok, valid...)
	}
	return nil
}

// readTokenizer returns the tokenizer.json to use, and what it is called.
func (o *trainOptions) readTokenizer() (path string, data []byte, err error) {
	from := source{dir: o.run.Init}
	switch own := filepath.Join(o.run.Dir, tokenizerFile); {
	case o.tokenizer != "":
		data, err = os.ReadFile(o.tokenizer)
		return o.tokenizer, data, err
	case o.run.Resume && exists(own):
		data, err = os.ReadFile(own)
		return own, data, err
	}
	if err := from.checkFolder(); err != nil {
		return "", nil, err
	}
	data, err = from.readFile(tokenizerFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("model %s has no %s: give one with --tokenizer FILE", from.name(), tokenizerFile)
	}
	return from.path(tokenizerFile), data, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readConfig finds the model's architecture, but for one that comes with --init.
func (o *trainOptions) readConfig(tok *tokenizer.Tokenizer) (err error) {
	if o.run.Init != "" {
		return nil
	}
	config := o.config
	if own := filepath.Join(o.run.Dir, configFile); config == "" && o.run.Resume && exists(own) {
		config = own
	}
	if config == "" {
		config = defaultSizes
	}
	if strings.Contains(config, "=") {
		o.run.Config, err = parseSizes(config, tok)
		return err
	}
	if info, err := os.Stat(config); err == nil && info.IsDir() {
		config = filepath.Join(config, configFile)
	}
	data, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	if o.run.Config, err = checkpoint.ParseConfig(config, data); err != nil {
		return err
	}
	if o.run.Config.Bits != 0 {
		return fmt.Errorf("%s is of a quantised model: take one of floats", config)
	}
	if size := o.run.Config.VocabSize; size < tok.VocabSize() {
		return fmt.Errorf("%s has a vocabulary of %d, but the tokenizer has %d ids: train with its own tokenizer, or raise vocab_size",
			config, size, tok.VocabSize())
	}
	return nil
}

// configFile is the name of a model folder's configuration.
const configFile = "config.json"

// parseSizes reads a configuration such as d_model=256,n_layer=8.
func parseSizes(text string, tok *tokenizer.Tokenizer) (mamba.ModelConfig, error) {
	const multiple = 8 // as in the original implementation
	c := mamba.ModelConfig{DModel: 256, NLayer: 8, DState: 16, DConv: 4, NormEps: 1e-5, Tied: true, UseConvBias: true,
		VocabSize: (tok.VocabSize() + multiple - 1) / multiple * multiple}
	expand := 2
	numbers := map[string]*int{"d_model": &c.DModel, "n_layer": &c.NLayer, "d_state": &c.DState, "d_conv": &c.DConv,
		"dt_rank": &c.DTRank, "vocab_size": &c.VocabSize, "expand": &expand}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		var err error
		switch number, ok := numbers[name]; {
		case ok:
			*number, err = strconv.Atoi(value)
		case name == "tied":
			c.Tied, err = strconv.ParseBool(value)
		case name == "norm_eps":
			c.NormEps, err = strconv.ParseFloat(value, 64)
		default:
			return c, usagef("--config %s: there is no size %q: want d_model, n_layer, d_state, d_conv, expand, dt_rank, vocab_size, tied or norm_eps", text, name)
		}
		if err != nil {
			return c, usagef("--config %s: %s is %q, want a number (of tied: true or false)", text, name, value)
		}
	}
	c.DInner = expand * c.DModel
	if c.DTRank == 0 {
		c.DTRank = (c.DModel + 15) / 16
	}
	if c.VocabSize < tok.VocabSize() {
		return c, usagef("--config %s: vocab_size is %d, want %d or more: the tokenizer's ids", text, c.VocabSize, tok.VocabSize())
	}
	if end, ok := tok.EndOfText(); ok {
		c.BOS, c.EOS = []int{end}, []int{end}
	}
	data, err := checkpoint.HuggingFaceConfig(c) // checks the sizes
	if err != nil {
		return c, usagef("--config %s: %s", text, message(err))
	}
	return checkpoint.ParseConfig("--config "+text, data)
}
