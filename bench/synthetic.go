package bench

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"io"
	"io/fs"
	"sort"
	"strings"
	"time"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

// synthetic is a model's folder without files: config.json and a
// model.safetensors whose tensors are made where they are read, at the speed of
// copying. So a model of many gigabytes loads as one from a disk's cache would.
//
// Weights are as large as the reference implementation's initialisation makes
// them, so that activations stay of order one. Each tensor repeats a pattern.
type synthetic struct {
	config  []byte
	header  []byte // of the safetensors file, its length included
	tensors []syntheticTensor
	size    int64 // of the safetensors file

	patterns patterns
}

// syntheticTensor is bytes begin to end of the data.
type syntheticTensor struct {
	begin, end int64
	phase      int64 // where in the pattern it starts
	key        patternKey
}

// newSynthetic makes the folder of a model whose matrices are stored as t; small
// tensors are float32, and dt_proj beside integers is float16.
func newSynthetic(c mamba.ModelConfig, t shaders.DType) (*synthetic, error) {
	c = withBits(c, t)
	config, err := checkpoint.HuggingFaceConfig(c)
	if err != nil {
		return nil, err
	}
	s := &synthetic{config: config}
	header := map[string]any{}
	at := int64(0)
	for tensor := range c.Tensors() {
		if tensor.DType == 0 {
			tensor.DType = floatType(tensor.Name, t)
		}
		at = s.add(header, at, tensor, patternOf(c, tensor))
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	s.header = append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
	s.size = int64(len(s.header)) + at
	return s, nil
}

// add enters a tensor that begins at byte at of the data, and returns where it
// ends.
func (s *synthetic) add(header map[string]any, at int64, t checkpoint.NamedShape, key patternKey) int64 {
	size := int64(t.DType.Size())
	for _, n := range t.Shape {
		size *= int64(n)
	}
	header[t.Name] = map[string]any{"dtype": t.DType.String(), "shape": t.Shape, "data_offsets": [2]int64{at, at + size}}
	h := fnv.New32a()
	h.Write([]byte(t.Name))
	phase := int64(0)
	if key.kind == uniformPattern {
		phase = int64(h.Sum32()%patternElements) * int64(t.DType.Size())
	}
	s.tensors = append(s.tensors, syntheticTensor{at, at + size, phase, key})
	return at + size
}

// withBits is the architecture with its matrices stored as t.
func withBits(c mamba.ModelConfig, t shaders.DType) mamba.ModelConfig {
	if t.Quantized() {
		c.Bits = t.Bits()
	}
	return c
}

// floatType is how a tensor of floats is stored in a model whose matrices are stored
// as t.
func floatType(name string, t shaders.DType) checkpoint.DType {
	dtProj := strings.HasSuffix(name, ".dt_proj.weight")
	if !dtProj && !checkpoint.IsMatrix(name) {
		return checkpoint.F32
	}
	switch t {
	case shaders.F32:
		return checkpoint.F32
	case shaders.BF16:
		return checkpoint.BF16
	}
	return checkpoint.F16
}

// readData fills p with the data from byte off on.
func (s *synthetic) readData(p []byte, off int64) {
	i := sort.Search(len(s.tensors), func(i int) bool { return off < s.tensors[i].end })
	for len(p) > 0 {
		t := s.tensors[i]
		n := min(int64(len(p)), t.end-off)
		s.patterns.fill(p[:n], t.key, t.phase+off-t.begin)
		p, off, i = p[n:], off+n, i+1
	}
}

// Open opens the folder itself or one of its two files.
func (s *synthetic) Open(name string) (fs.File, error) {
	switch name {
	case ".":
		return &syntheticFile{name: name, mode: fs.ModeDir | 0o555}, nil
	case "config.json":
		return &syntheticFile{name: name, mode: 0o444, at: bytes.NewReader(s.config), size: int64(len(s.config))}, nil
	case "model.safetensors":
		return &syntheticFile{name: name, mode: 0o444, at: syntheticWeights{s}, size: s.size}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// syntheticWeights is the bytes of model.safetensors.
type syntheticWeights struct{ *synthetic }

// ReadAt makes the bytes that it returns.
func (w syntheticWeights) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= w.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), w.size-off))
	head := 0
	if off < int64(len(w.header)) {
		head = copy(p[:n], w.header[off:])
	}
	if head < n {
		w.readData(p[head:n], off+int64(head)-int64(len(w.header)))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// syntheticFile is an open file, and its own description.
type syntheticFile struct {
	name string
	mode fs.FileMode
	at   io.ReaderAt
	size int64
	next int64 // byte that Read reads
}

func (f *syntheticFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *syntheticFile) Close() error               { return nil }
func (f *syntheticFile) Name() string               { return f.name }
func (f *syntheticFile) Size() int64                { return f.size }
func (f *syntheticFile) Mode() fs.FileMode          { return f.mode }
func (f *syntheticFile) ModTime() time.Time         { return time.Time{} }
func (f *syntheticFile) IsDir() bool                { return f.mode.IsDir() }
func (f *syntheticFile) Sys() any                   { return nil }

// Read reads on from where the last one ended.
func (f *syntheticFile) Read(p []byte) (int, error) {
	if f.at == nil {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
	}
	n, err := f.at.ReadAt(p, f.next)
	f.next += int64(n)
	return n, err
}

// ReadAt reads from byte off on.
func (f *syntheticFile) ReadAt(p []byte, off int64) (int, error) {
	if f.at == nil {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrInvalid}
	}
	return f.at.ReadAt(p, off)
}
