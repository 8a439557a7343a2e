package train

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// SaveModel writes the model to folder dir in Hugging Face layout. Tensors of two or
// more dimensions but A_log get the type dtype, F32, F16 or BF16; all others are F32.
// The folder appears when all is written; dir must not exist, or be empty. Errors:
// [*OptionError], [ErrClosed], those of the file system; [fs.ErrExist] where dir is
// not empty.
func (t *Trainer) SaveModel(dir string, dtype checkpoint.DType) error {
	return checkpoint.CreateFolder(dir, func(dir string) error { return t.WriteModel(dir, dtype) })
}

// WriteModel is SaveModel into a folder that exists, where files of the same names
// are replaced: for folders that hold more than a model and appear as a whole by
// [checkpoint.CreateFolder].
func (t *Trainer) WriteModel(dir string, dtype checkpoint.DType) error {
	if dtype != checkpoint.F32 && dtype != checkpoint.F16 && dtype != checkpoint.BF16 {
		return &OptionError{Name: "the model's type", Got: dtype, Want: "F32, F16 or BF16"}
	}
	config, err := checkpoint.HuggingFaceConfig(t.config)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o666); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := t.writeModel(f, dtype); err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// saved is a tensor of a file: one of a parameter's arrays.
type saved struct {
	checkpoint.NamedShape
	parameter string
	kind      kind
}

func (t *Trainer) writeModel(w io.Writer, dtype checkpoint.DType) error {
	var list []saved
	for name, shape := range t.config.Shapes() {
		s := saved{checkpoint.NamedShape{Name: name, DType: checkpoint.F32, Shape: shape}, name, value}
		if DefaultDecays(name, shape) {
			s.DType = dtype
		}
		list = append(list, s)
	}
	return t.write(w, list, map[string]string{"format": "pt"})
}

// write writes a safetensors file, tensor by tensor.
func (t *Trainer) write(w io.Writer, list []saved, metadata map[string]string) error {
	byName := map[string]saved{}
	var shapes []checkpoint.NamedShape
	for _, s := range list {
		byName[s.Name] = s
		shapes = append(shapes, s.NamedShape)
	}
	layout, err := checkpoint.LayOut(shapes, metadata)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	if _, err := out.Write(layout.Header); err != nil {
		return err
	}
	for _, place := range layout.Places {
		s := byName[place.Name]
		v, err := t.read(s.kind, s.parameter)
		if err != nil {
			return err
		}
		data, err := checkpoint.Encode(s.DType, v)
		if err != nil {
			return err
		}
		if _, err := out.Write(data); err != nil {
			return err
		}
	}
	return out.Flush()
}
