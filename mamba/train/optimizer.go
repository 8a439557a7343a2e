package train

import (
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// What a file of the optimiser's state says of itself.
const (
	optimizerFormat = "mambagpu-adamw/1"
	formatKey       = "format"
	stepKey         = "step"
)

// moments are the optimiser's arrays in such a file, by the prefix of their names.
var moments = []struct {
	prefix string
	kind   kind
}{{"m.", firstMoment}, {"v.", secondMoment}}

// SaveOptimizer writes what training has beside the weights: AdamW's moments and the
// number of steps, as a safetensors file. A trainer that loads it, and the weights
// in F32, goes on to the same bits on the same device.
func (t *Trainer) SaveOptimizer(w io.Writer) error {
	var list []saved
	for name, shape := range t.config.Shapes() {
		for _, m := range moments {
			list = append(list, saved{checkpoint.NamedShape{Name: m.prefix + name, DType: checkpoint.F32, Shape: shape}, name, m.kind})
		}
	}
	return t.write(w, list, map[string]string{formatKey: optimizerFormat, stepKey: strconv.Itoa(t.Steps())})
}

// LoadOptimizer reads what SaveOptimizer wrote. Nothing changes if it fails. Errors:
// [*checkpoint.FormatError], [ErrClosed], those of the reader.
func (t *Trainer) LoadOptimizer(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("train: optimiser: %w", err)
	}
	f, err := checkpoint.OpenReader("optimiser", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	defer f.Close()
	steps, err := optimizerSteps(f)
	if err != nil {
		return err
	}
	values, err := t.readMoments(f)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	for _, v := range values {
		if err := t.run.write(v.kind, v.name, v.values); err != nil {
			return err
		}
	}
	t.steps = steps
	return nil
}

// optimizerSteps checks the metadata of a file.
func optimizerSteps(f *checkpoint.File) (int, error) {
	meta := f.Metadata()
	if meta[formatKey] != optimizerFormat {
		return 0, &checkpoint.FormatError{Path: "optimiser", Field: formatKey, Got: strconv.Quote(meta[formatKey]), Want: optimizerFormat}
	}
	steps, err := strconv.Atoi(meta[stepKey])
	if err != nil || steps < 0 {
		return 0, &checkpoint.FormatError{Path: "optimiser", Field: stepKey, Got: strconv.Quote(meta[stepKey]), Want: "a number of steps"}
	}
	return steps, nil
}

// moment is one array of the optimiser.
type moment struct {
	kind   kind
	name   string
	values []float32
}

func (t *Trainer) readMoments(f *checkpoint.File) ([]moment, error) {
	var list []moment
	for name, shape := range t.config.Shapes() {
		for _, m := range moments {
			v, err := floatTensor(f, "optimiser", m.prefix+name, shape)
			if err != nil {
				return nil, err
			}
			list = append(list, moment{m.kind, name, v})
		}
	}
	return list, nil
}

// floatTensor reads a tensor of a file, which must have the shape given.
func floatTensor(f *checkpoint.File, path, name string, shape []int) ([]float32, error) {
	x, ok := f.Tensor(name)
	if !ok {
		return nil, &checkpoint.FormatError{Path: path, Tensor: name, Got: "no such tensor", Want: fmt.Sprintf("one of shape %v", shape)}
	}
	if fmt.Sprint(x.Shape) != fmt.Sprint(shape) {
		return nil, &checkpoint.FormatError{Path: path, Tensor: name, Got: fmt.Sprintf("shape %v", x.Shape), Want: fmt.Sprintf("shape %v", shape)}
	}
	return x.Float32(nil)
}
