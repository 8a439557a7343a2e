package mamba

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/mamba/tokenizer"
	"github.com/mambagpu/mambagpu/wgpu"
)

// tokenizerFile is the name of a model folder's tokenizer.
const tokenizerFile = "tokenizer.json"

// Load reads the checkpoint in folder dir: config.json, model.safetensors or
// its shards, and tokenizer.json if it is there. Weights stream to the device
// and keep their storage type, unless opts name another. Errors: [*OptionError],
// [*checkpoint.FormatError], [*checkpoint.UnsupportedError],
// [*tokenizer.FormatError], those of the file system and of package wgpu.
func Load(dir string, opts *Options) (*Model, error) {
	ckpt, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	defer ckpt.Close()
	return load(ckpt, opts, func() ([]byte, string, error) {
		file := filepath.Join(dir, tokenizerFile)
		data, err := os.ReadFile(file)
		return data, file, err
	})
}

// LoadFS is [Load] of a folder of a file system, such as an embed.FS.
func LoadFS(fsys fs.FS, dir string, opts *Options) (*Model, error) {
	ckpt, err := checkpoint.OpenFS(fsys, dir)
	if err != nil {
		return nil, err
	}
	defer ckpt.Close()
	return load(ckpt, opts, func() ([]byte, string, error) {
		file := path.Join(dir, tokenizerFile)
		data, err := fs.ReadFile(fsys, file)
		return data, file, err
	})
}

// New makes a model of the given architecture with the reference
// implementation's random initialisation (its mixer_seq_simple.py and
// mamba_simple.py), the same for the same seed. It has no tokenizer unless
// opts name one. Weights are float32 unless opts say otherwise; beside integers
// dt_proj is then float16.
func New(c ModelConfig, seed uint64, opts *Options) (*Model, error) {
	if opts == nil {
		opts = &Options{}
	}
	src, err := newRandomSource(c, seed)
	if err != nil {
		return nil, err
	}
	m, err := build(c, src, 4*c.Parameters(), WeightsF16, opts)
	if err != nil {
		return nil, err
	}
	if opts.Tokenizer != "" {
		if m.tokenizer, err = tokenizer.Load(opts.Tokenizer); err != nil {
			m.Close()
			return nil, err
		}
	}
	return m, nil
}

func load(ckpt *checkpoint.Checkpoint, opts *Options, readTokenizer func() ([]byte, string, error)) (*Model, error) {
	if opts == nil {
		opts = &Options{}
	}
	tok, err := loadTokenizer(opts.Tokenizer, readTokenizer)
	if err != nil {
		return nil, err
	}
	total, err := storedBytes(ckpt)
	if err != nil {
		return nil, err
	}
	m, err := build(ckpt.Config, ckpt, total, WeightsAsStored, opts)
	if err != nil {
		return nil, err
	}
	m.tokenizer = tok
	return m, nil
}

// storedBytes is the size of a checkpoint's tensors.
func storedBytes(ckpt *checkpoint.Checkpoint) (total int64, err error) {
	for _, name := range ckpt.Names() {
		t, err := ckpt.Tensor(name)
		if err != nil {
			return 0, err
		}
		total += t.Bytes()
	}
	return total, nil
}

// loadTokenizer reads the tokenizer asked for, or the model's own, which may be
// missing.
func loadTokenizer(path string, own func() ([]byte, string, error)) (*tokenizer.Tokenizer, error) {
	if path != "" {
		return tokenizer.Load(path)
	}
	data, file, err := own()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("mamba: %w", err)
	}
	return tokenizer.Parse(file, data)
}

// build loads the weights onto the backend that opts choose. Where those are to be
// rounded to integers, dt_proj gets the type named.
func build(c ModelConfig, src source, total int64, dtProj Weights, opts *Options) (*Model, error) {
	if opts.ChunkLength < 0 {
		return nil, &OptionError{"ChunkLength", opts.ChunkLength, "0 or more"}
	}
	src, c, err := convert(&counted{source: src, total: total, progress: opts.Progress}, c, opts.Weights, dtProj)
	if err != nil {
		return nil, err
	}
	weights := newSummed(src)
	b, err := openBackend(c, weights, opts)
	if err != nil {
		return nil, err
	}
	chunk := b.chunkTokens()
	if opts.ChunkLength > 0 {
		chunk = min(chunk, opts.ChunkLength)
	}
	return &Model{config: c, fingerprint: weights.fingerprint(c), backend: b, chunk: max(chunk, 1)}, nil
}

func openBackend(c ModelConfig, src source, opts *Options) (backend, error) {
	if opts.Device != nil {
		return openGPU(opts.Device, false, c, src, opts)
	}
	name := opts.Adapter
	if name == "" {
		name = os.Getenv("MAMBAGPU_ADAPTER")
	}
	if name == GoAdapter {
		return newGoBackend(c, src)
	}
	dev, err := wgpu.Open(&wgpu.Options{Adapter: name, MemoryBudget: opts.MemoryBudget, Notices: opts.Notices})
	if errors.Is(err, wgpu.ErrNoAdapter) && name == "" {
		announceNoAdapter(opts.Notices)
		return newGoBackend(c, src)
	}
	if err != nil {
		return nil, err
	}
	b, err := openGPU(dev, true, c, src, opts)
	if err != nil {
		dev.Close()
		return nil, err
	}
	return b, nil
}

// openGPU makes the backend of a device, with the kernels tuned as opts say.
func openGPU(dev *wgpu.Device, owned bool, c ModelConfig, src source, opts *Options) (backend, error) {
	g, err := newGPUBackend(dev, owned, c, src)
	if err != nil {
		return nil, err
	}
	g.kernels.Tune(opts.tuning(dev.Info()))
	if opts.Together {
		if err := g.layTogether(opts.Notices); err != nil {
			g.close()
			return nil, err
		}
	}
	return g, nil
}

func announceNoAdapter(w io.Writer) {
	if w == nil {
		w = os.Stderr
	}
	fmt.Fprintln(w, "mambagpu: no WebGPU adapter found, running in plain Go (mambagpu devices says what to install)")
}
