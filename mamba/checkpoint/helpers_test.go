package checkpoint_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

const reference = "../../testdata/reference-lm"

// odd is a configuration in which no two sizes are equal and none is a power
// of two.
func odd() checkpoint.Config {
	return checkpoint.Config{
		Layout: checkpoint.HuggingFace, DModel: 10, NLayer: 3, DInner: 22, DState: 5, DConv: 3, DTRank: 7,
		VocabSize: 13, NormEps: 1e-6, Tied: true, UseConvBias: true, EOS: []int{2},
	}
}

// weights are a model's tensors by name, to be changed before they are written.
type weights map[string]checkpoint.NamedData

func random(t testing.TB, c checkpoint.Config, dtype checkpoint.DType) weights {
	rng := rand.New(rand.NewPCG(1, 2))
	w := weights{}
	for name, shape := range c.Shapes() {
		w.put(t, rng, name, dtype, shape...)
	}
	return w
}

func (w weights) put(t testing.TB, rng *rand.Rand, name string, dtype checkpoint.DType, shape ...int) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	data, err := checkpoint.Encode(dtype, values)
	require.NoError(t, err)
	w[name] = checkpoint.NamedData{Name: name, DType: dtype, Shape: shape, Data: data}
}

func (w weights) rename(from, to string) {
	x := w[from]
	delete(w, from)
	x.Name = to
	w[to] = x
}

// file returns the safetensors file of those tensors that keep picks.
func (w weights) file(t testing.TB, keep func(name string) bool) *fstest.MapFile {
	var tensors []checkpoint.NamedData
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if keep == nil || keep(name) {
			tensors = append(tensors, w[name])
		}
	}
	var b bytes.Buffer
	require.NoError(t, checkpoint.WriteSafetensors(&b, tensors, map[string]string{"format": "pt"}))
	return &fstest.MapFile{Data: b.Bytes()}
}

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func hfConfig(t testing.TB, c checkpoint.Config) *fstest.MapFile {
	data, err := checkpoint.HuggingFaceConfig(c)
	require.NoError(t, err)
	return &fstest.MapFile{Data: data}
}

// model is a folder "m" with one file of weights.
func model(t testing.TB, c checkpoint.Config, w weights) fstest.MapFS {
	return fstest.MapFS{"m/config.json": hfConfig(t, c), "m/model.safetensors": w.file(t, nil)}
}

func open(t testing.TB, fsys fstest.MapFS) *checkpoint.Checkpoint {
	c, err := checkpoint.OpenFS(fsys, "m")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func openError(fsys fstest.MapFS) error {
	_, err := checkpoint.OpenFS(fsys, "m")
	return err
}

// formatError requires a FormatError whose message has every part.
func formatError(t testing.TB, err error, parts ...string) *checkpoint.FormatError {
	t.Helper()
	e, ok := errors.AsType[*checkpoint.FormatError](err)
	require.True(t, ok, "%v", err)
	require.NotEmpty(t, e.Got)
	require.NotEmpty(t, e.Want)
	hasParts(t, err, parts)
	return e
}

func unsupported(t testing.TB, err error, parts ...string) *checkpoint.UnsupportedError {
	t.Helper()
	e, ok := errors.AsType[*checkpoint.UnsupportedError](err)
	require.True(t, ok, "%v", err)
	require.NotEmpty(t, e.Path)
	require.NotEmpty(t, e.Way)
	hasParts(t, err, parts)
	return e
}

func hasParts(t testing.TB, err error, parts []string) {
	t.Helper()
	require.Equal(t, 1, strings.Count(err.Error(), "checkpoint: "), err.Error())
	for _, part := range parts {
		require.Contains(t, err.Error(), part)
	}
}

// raw is a safetensors file of that header and size bytes of data.
func raw(header string, size int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, size)...)
}

func openBytes(data []byte) (*checkpoint.File, error) {
	return checkpoint.OpenReader("f.safetensors", bytes.NewReader(data), int64(len(data)))
}
