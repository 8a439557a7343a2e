package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/mamba/tokenizer"
	"github.com/mambagpu/mambagpu/testdata/pequod"
	referencelm "github.com/mambagpu/mambagpu/testdata/reference-lm"
)

const (
	tokenizerFile = "tokenizer.json"
	expectedFile  = "expected.json"
	heldoutFile   = "heldout.txt.gz" // a text that the model that ships has not read
)

// builtin is a model inside the program.
type builtin struct {
	name  string
	files fs.FS
}

var (
	shippedModel   = builtin{"pequod", pequod.FS}            // that runs when none is named
	referenceModel = builtin{"reference-lm", referencelm.FS} // that has expected results
)

// source is where a model comes from: a folder, or the program itself.
type source struct {
	dir       string // empty for a model inside the program
	reference bool   // without a folder, the reference model and not the one that ships
	tokenizer string // a tokenizer.json elsewhere; empty for the model's own
}

// inside reports whether the model is inside the program.
func (s source) inside() bool { return s.dir == "" }

// builtin is the model inside the program.
func (s source) builtin() builtin {
	if s.reference {
		return referenceModel
	}
	return shippedModel
}

// name is what the model is called in output.
func (s source) name() string {
	if s.inside() {
		return s.builtin().name
	}
	return s.dir
}

// path is what a file of the model is called in messages.
func (s source) path(file string) string { return filepath.Join(s.name(), file) }

// readFile returns a file of the model. The error names its path.
func (s source) readFile(file string) ([]byte, error) {
	if s.inside() {
		return fs.ReadFile(s.builtin().files, file)
	}
	return os.ReadFile(s.path(file))
}

// checkFolder says so if the model's folder does not exist.
func (s source) checkFolder() error {
	if s.inside() {
		return nil
	}
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("model %s: no such folder", s.dir)
	}
	return nil
}

// hasTokenizer reports whether there is a tokenizer.json, sound or not.
func (s source) hasTokenizer() bool {
	if s.inside() || s.tokenizer != "" {
		return true
	}
	_, err := os.Stat(s.path(tokenizerFile))
	return err == nil
}

// loadTokenizer reads the tokenizer and nothing else of the model.
func (s source) loadTokenizer() (*tokenizer.Tokenizer, error) {
	if s.tokenizer != "" {
		return tokenizer.Load(s.tokenizer)
	}
	if err := s.checkFolder(); err != nil {
		return nil, err
	}
	data, err := s.readFile(tokenizerFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("model %s has no %s: give one with --tokenizer FILE", s.name(), tokenizerFile)
	}
	if err != nil {
		return nil, err
	}
	return tokenizer.Parse(s.path(tokenizerFile), data)
}

// open opens the model's files without reading weights.
func (s source) open() (*checkpoint.Checkpoint, error) {
	if s.inside() {
		return checkpoint.OpenFS(s.builtin().files, ".")
	}
	if err := s.checkFolder(); err != nil {
		return nil, err
	}
	return checkpoint.Open(s.dir)
}

// device chooses where a model computes, and with what weights.
type device struct {
	adapter string
	budget  uint64
	weights mamba.Weights
	// together steps by workgroups that wait for each other
	together bool
}

// loaded is a model ready to compute.
type loaded struct {
	*mamba.Model
	seconds float64 // it took to load
}

// load brings the model to the device, showing progress where it takes long.
func (a *app) load(ctx context.Context, s source, d device) (loaded, error) {
	if err := s.checkFolder(); err != nil {
		return loaded{}, err
	}
	bar := a.newProgress("loading weights", unitBytes)
	defer bar.close()
	start := time.Now()
	model, err := await(ctx, func() (*mamba.Model, error) {
		opts := &mamba.Options{Adapter: d.adapter, MemoryBudget: d.budget, Weights: d.weights, Together: d.together, Tokenizer: s.tokenizer,
			Notices: a.stderr, Progress: bar.update}
		if s.inside() {
			return mamba.LoadFS(s.builtin().files, ".", opts)
		}
		return mamba.Load(s.dir, opts)
	})
	return loaded{model, time.Since(start).Seconds()}, err
}
