package train

import (
	"encoding/binary"
	"fmt"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// trainFile is an open file of the format of [CheckFile].
type trainFile struct {
	*checkpoint.File
	path     string
	original bool // the layout of the names
	config   mamba.ModelConfig
	recipe   recipe
	ids      []uint32 // (rows, length+1)
	rows     int
	length   int
	steps    int
}

func openTrainFile(path string) (*trainFile, error) {
	file, err := checkpoint.OpenFile(path)
	if err != nil {
		return nil, err
	}
	f := &trainFile{File: file, path: path}
	if err := f.read(); err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

func (f *trainFile) read() error {
	var err error
	if f.recipe, err = readRecipe(f.path, f.Metadata()); err != nil {
		return err
	}
	f.original = f.has("init." + originalEmbedding)
	if err := f.readConfig(); err != nil {
		return err
	}
	if err := f.readIDs(); err != nil {
		return err
	}
	losses, err := f.dims("losses", 1)
	if err != nil {
		return err
	}
	f.steps = losses[0]
	return nil
}

// tensor is a tensor that must be there.
func (f *trainFile) tensor(name string) (*checkpoint.Tensor, error) {
	x, ok := f.File.Tensor(name)
	if !ok {
		return nil, f.wrong(name, "no such tensor", "one: see the format of training files")
	}
	return x, nil
}

// dims is the shape of a tensor that has so many dimensions, none of them 0.
func (f *trainFile) dims(name string, n int) ([]int, error) {
	x, err := f.tensor(name)
	if err != nil {
		return nil, err
	}
	ok := len(x.Shape) == n
	for _, d := range x.Shape {
		ok = ok && d > 0
	}
	if !ok {
		return nil, f.wrong(name, fmt.Sprintf("shape %v", x.Shape), fmt.Sprintf("%d dimensions, none of them 0", n))
	}
	return x.Shape, nil
}

// values reads a weight of a kind, "init", "grad" or "final", by its name in Hugging
// Face layout.
func (f *trainFile) values(kind, name string) ([]float32, error) {
	x, err := f.tensor(kind + "." + f.nameOf(name))
	if err != nil {
		return nil, err
	}
	return x.Float32(nil)
}

// readConfig takes the sizes from the shapes of the first weights.
func (f *trainFile) readConfig() error {
	embedding, err := f.dims("init."+f.nameOf(hfEmbedding), 2)
	if err != nil {
		return err
	}
	mixer := "init." + layerPrefix(0) + "mixer."
	log, err := f.dims(mixer+"A_log", 2)
	if err != nil {
		return err
	}
	step, err := f.dims(mixer+"dt_proj.weight", 2)
	if err != nil {
		return err
	}
	conv, err := f.dims(mixer+"conv1d.weight", 3)
	if err != nil {
		return err
	}
	f.config = mamba.ModelConfig{
		VocabSize: embedding[0], DModel: embedding[1], DInner: log[0], DState: log[1], DTRank: step[1], DConv: conv[2],
		NormEps: f.recipe.normEps, UseBias: f.has(mixer + "in_proj.bias"), UseConvBias: f.has(mixer + "conv1d.bias"),
		Layout: checkpoint.HuggingFace,
	}
	// A tied model's file may have the embedding twice, but no second gradient of it.
	f.config.Tied = !f.has("init.lm_head.weight") || !f.has("grad.lm_head.weight")
	for f.has("init." + layerPrefix(f.config.NLayer) + "norm.weight") {
		f.config.NLayer++
	}
	return f.checkShapes()
}

// checkShapes requires every tensor of the model, with its shape.
func (f *trainFile) checkShapes() error {
	for name, want := range f.config.Shapes() {
		for _, kind := range []string{"init.", "grad.", "final."} {
			got, err := f.dims(kind+f.nameOf(name), len(want))
			if err != nil {
				return err
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				return f.wrong(kind+f.nameOf(name), fmt.Sprintf("shape %v", got), fmt.Sprintf("shape %v", want))
			}
		}
	}
	return nil
}

func (f *trainFile) readIDs() error {
	const name = "input_ids"
	shape, err := f.dims(name, 2)
	if err != nil {
		return err
	}
	if shape[1] < 2 {
		return f.wrong(name, fmt.Sprintf("shape %v", shape), "rows of two tokens or more")
	}
	f.rows, f.length = shape[0], shape[1]-1
	x, err := f.tensor(name)
	if err != nil {
		return err
	}
	size := x.DType.Size()
	if x.DType != checkpoint.I64 && x.DType != checkpoint.I32 && x.DType != checkpoint.U32 {
		return f.wrong(name, x.DType.String(), "I64, I32 or U32")
	}
	raw := make([]byte, x.Bytes())
	if n, err := x.ReadAt(raw, 0); n < len(raw) {
		return err
	}
	for ; len(raw) > 0; raw = raw[size:] {
		id := uint64(binary.LittleEndian.Uint32(raw))
		if size == 8 {
			id = binary.LittleEndian.Uint64(raw)
		}
		if id >= uint64(f.config.VocabSize) {
			return f.wrong(name, fmt.Sprintf("token %d", int64(id)), fmt.Sprintf("0 to %d", f.config.VocabSize-1))
		}
		f.ids = append(f.ids, uint32(id))
	}
	return nil
}
