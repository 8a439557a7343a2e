package mamba

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// QuantizeOptions say how [Quantize] rounds. nil means the zero value.
type QuantizeOptions struct {
	// Weights is WeightsQ8 or WeightsQ4. The zero value means WeightsQ8.
	Weights Weights
	// Progress, if set, is told how many bytes of weights were read so far.
	Progress func(done, total int64)
}

// Quantize writes the checkpoint with its matrices rounded to integers to folder
// out, which [Load] reads as it does others: package checkpoint describes the
// format. The embedding, the output matrix and the projections are rounded; dt_proj
// keeps its type; all that is small is float32. Tokenizer and licence are copied.
//
// Tensors stream through, so that memory does not grow with the model. The folder
// appears when all is written; out must not exist, or be empty. Errors:
// [*OptionError], [*checkpoint.FormatError], the context's, and those of the file
// system; [fs.ErrExist] where out is not empty.
func Quantize(ctx context.Context, ckpt *checkpoint.Checkpoint, out string, opts *QuantizeOptions) error {
	if opts == nil {
		opts = &QuantizeOptions{}
	}
	weights := opts.Weights
	if weights == WeightsAsStored {
		weights = WeightsQ8
	}
	if weights.bits() == 0 {
		return &OptionError{"Weights", string(weights), "q8 or q4"}
	}
	if ckpt.Config.Bits != 0 {
		return &OptionError{"Weights", string(weights), fmt.Sprintf("a model of floats: %s is quantised to %d bits", ckpt.Path, ckpt.Config.Bits)}
	}
	err := checkpoint.CreateFolder(out, func(dir string) error {
		if err := copyCompanions(ckpt.FS(), dir); err != nil {
			return err
		}
		config, err := ckpt.QuantizedConfig(weights.bits())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o666); err != nil {
			return err
		}
		if err := writeQuantized(ctx, ckpt, filepath.Join(dir, "model.safetensors"), weights, opts.Progress); err != nil {
			return err
		}
		written, err := checkpoint.Open(dir)
		if err != nil {
			return err
		}
		return written.Close()
	})
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("mamba: %w", err)
	}
	return err
}

// companions are the files of a model's folder that a change of its weights leaves
// true. LICENSE files come with them.
var companions = []string{
	tokenizerFile, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
	"generation_config.json", "chat_template.jinja",
}

// copyCompanions copies those companions that there are.
func copyCompanions(from fs.FS, dir string) error {
	licences, err := fs.Glob(from, "LICEN[CS]E*")
	if err != nil {
		return err
	}
	for _, name := range append(licences, companions...) {
		data, err := fs.ReadFile(from, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// writeQuantized writes the file of all tensors. Integers and scales lie apart in
// it, but the scales are known when the integers are: tensors are written in the
// model's order, each to its place.
func writeQuantized(ctx context.Context, ckpt *checkpoint.Checkpoint, path string, weights Weights, progress func(done, total int64)) error {
	total, err := storedBytes(ckpt)
	if err != nil {
		return err
	}
	src, c, err := convert(&counted{source: ckpt, total: total, progress: progress}, ckpt.Config, weights, WeightsAsStored)
	if err != nil {
		return err
	}
	shapes, err := quantizedShapes(ckpt, c)
	if err != nil {
		return err
	}
	layout, err := checkpoint.LayOut(shapes, map[string]string{"format": "pt"})
	if err != nil {
		return err
	}
	offsets := map[string]int64{}
	for _, p := range layout.Places {
		offsets[p.Name] = p.Offset
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(layout.Header); err != nil {
		return err
	}
	for _, s := range shapes {
		if err := writeTensor(ctx, io.NewOffsetWriter(f, offsets[s.Name]), src, s.Name); err != nil {
			return err
		}
	}
	return errors.Join(f.Sync(), f.Close())
}

// writeTensor streams a tensor of a source to w.
func writeTensor(ctx context.Context, w io.Writer, src source, name string) error {
	t, err := src.Tensor(name)
	if err != nil {
		return err
	}
	return stream(t, t.DType.Size(), func(raw []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := w.Write(raw)
		return err
	})
}

// quantizedShapes lists the tensors of the file: those of the quantised
// configuration c.
func quantizedShapes(ckpt *checkpoint.Checkpoint, c ModelConfig) ([]checkpoint.NamedShape, error) {
	var list []checkpoint.NamedShape
	for s := range c.Tensors() {
		if isDtProj(s.Name) {
			t, err := ckpt.Tensor(s.Name)
			if err != nil {
				return nil, err
			}
			s.DType = t.DType
		}
		if s.DType == 0 {
			s.DType = checkpoint.F32
		}
		list = append(list, s)
	}
	return list, nil
}
