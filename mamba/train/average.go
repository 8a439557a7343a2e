package train

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// averageEvery is how many steps lie between two weights that an average takes in:
// to read them takes a while.
const averageEvery = 10

// average is a moving average of a trainer's weights (Polyak and Juditsky, 1992),
// on the host.
type average struct {
	keep       float64 // of the old, with every step
	taken      int     // weights taken in
	parameters []Parameter
	values     map[string][]float32
}

// newAverage makes an average of the weights as they are, or that of a checkpoint.
func newAverage(t *Trainer, keep float64, last string) (*average, error) {
	a := &average{keep: keep, parameters: t.Parameters(), values: map[string][]float32{}}
	if last != "" {
		return a, a.load(filepath.Join(last, averageFile))
	}
	for _, p := range a.parameters {
		v, err := t.Value(p.Name)
		if err != nil {
			return nil, err
		}
		a.values[p.Name] = v
	}
	return a, nil
}

// take takes in the trainer's weights. The first ones count more, so that those from
// before the training are soon forgotten.
func (a *average) take(t *Trainer) error {
	keep := min(math.Pow(a.keep, averageEvery), float64(1+a.taken)/float64(10+a.taken))
	a.taken++
	for name, old := range a.values {
		v, err := t.Value(name)
		if err != nil {
			return err
		}
		for i := range old {
			old[i] = float32(keep*float64(old[i]) + (1-keep)*float64(v[i]))
		}
	}
	return nil
}

// swap exchanges the average and the trainer's weights. Twice is once not at all.
func (a *average) swap(t *Trainer) error {
	for name, v := range a.values {
		own, err := t.Value(name)
		if err != nil {
			return err
		}
		if err := t.SetValue(name, v); err != nil {
			return err
		}
		a.values[name] = own
	}
	return nil
}

// takenKey is the file's metadata that tells how many weights were taken in.
const takenKey = "taken"

func (a *average) save(path string) error {
	var tensors []checkpoint.NamedData
	for _, p := range a.parameters {
		data, err := checkpoint.Encode(checkpoint.F32, a.values[p.Name])
		if err != nil {
			return err
		}
		tensors = append(tensors, checkpoint.NamedData{Name: p.Name, DType: checkpoint.F32, Shape: p.Shape, Data: data})
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(checkpoint.WriteSafetensors(f, tensors, map[string]string{takenKey: strconv.Itoa(a.taken)}), f.Close())
}

func (a *average) load(path string) error {
	f, err := checkpoint.OpenFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	text := f.Metadata()[takenKey]
	if a.taken, err = strconv.Atoi(text); err != nil {
		return &checkpoint.FormatError{Path: path, Got: fmt.Sprintf("metadata %s %q", takenKey, text), Want: "a number"}
	}
	for _, p := range a.parameters {
		tensor, ok := f.Tensor(p.Name)
		if !ok || !slices.Equal(tensor.Shape, p.Shape) {
			return &checkpoint.FormatError{Path: path, Tensor: p.Name, Got: "none of the model's shape", Want: fmt.Sprint(p.Shape)}
		}
		if a.values[p.Name], err = tensor.Float32(nil); err != nil {
			return err
		}
	}
	return nil
}
