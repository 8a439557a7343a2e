package mamba

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/mamba/tokenizer"
	"github.com/mambagpu/mambagpu/wgpu"
)

// refused requires Load to fail, twice, with a message of every part, and to
// leave neither goroutines nor memory of the caller's device behind.
func refused(t *testing.T, dir string, opts Options, parts ...string) error {
	t.Helper()
	before := runtime.NumGoroutine()
	var memory uint64
	if opts.Device != nil {
		memory = opts.Device.MemoryInUse()
	}
	var err error
	for range 2 {
		var m *Model
		m, err = Load(dir, &opts)
		require.Error(t, err)
		require.Nil(t, m)
		for _, part := range parts {
			require.ErrorContains(t, err, part)
		}
	}
	if opts.Device != nil {
		require.Equal(t, memory, opts.Device.MemoryInUse(), "buffers left behind")
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(end), "goroutines left behind")
	}
	return err
}

// warm makes the buffers that a device keeps for itself.
func warm(t *testing.T, opts Options) {
	alone(t, newTiny(t, opts), []int{1})
}

// TestWeightsRefused loads weights of which one is no number, or too large.
func TestWeightsRefused(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		warm(t, opts)
		nan, inf := float32(math.NaN()), float32(math.Inf(1))
		c := tiny()
		c.Tied, c.UseBias = false, true
		for _, bad := range []struct {
			tensor string
			value  float32
		}{
			{"backbone.embeddings.weight", nan},
			{"backbone.layers.0.norm.weight", nan},
			{"backbone.layers.0.mixer.in_proj.weight", inf},
			{"backbone.layers.1.mixer.in_proj.bias", nan},
			{"backbone.layers.1.mixer.conv1d.weight", nan},
			{"backbone.layers.1.mixer.conv1d.bias", -inf},
			{"backbone.layers.1.mixer.x_proj.weight", nan},
			{"backbone.layers.1.mixer.dt_proj.weight", nan},
			{"backbone.layers.1.mixer.dt_proj.bias", nan},
			{"backbone.layers.1.mixer.A_log", nan},
			{"backbone.layers.1.mixer.A_log", 89}, // exp overflows
			{"backbone.layers.1.mixer.D", nan},
			{"backbone.layers.1.mixer.out_proj.weight", nan},
			{"backbone.norm_f.weight", nan},
			{"lm_head.weight", nan},
		} {
			dir := writeModel(t, c, func(w tensors) { w.poke(t, bad.tensor, 3, bad.value) })
			err := refused(t, dir, opts, bad.tensor, "element 3", "model.safetensors")
			require.ErrorAs(t, err, new(*checkpoint.FormatError))
		}
	})
}

func TestFoldersRefused(t *testing.T) {
	opts := Options{Adapter: GoAdapter}
	dir := writeModel(t, tiny(), nil)
	weights := filepath.Join(dir, "model.safetensors")

	err := refused(t, filepath.Join(dir, "missing"), opts, "missing")
	require.ErrorIs(t, err, fs.ErrNotExist)
	refused(t, weights, opts, "model.safetensors")

	data, err := os.ReadFile(weights)
	require.NoError(t, err)
	for _, n := range []int{0, 7, 100, len(data) - 1} {
		require.NoError(t, os.WriteFile(weights, data[:n], 0o644))
		err := refused(t, dir, opts, "model.safetensors")
		require.ErrorAs(t, err, new(*checkpoint.FormatError), n)
	}
	long := append([]byte{}, data...)
	binary.LittleEndian.PutUint64(long, 1<<60)
	require.NoError(t, os.WriteFile(weights, long, 0o644))
	require.ErrorAs(t, refused(t, dir, opts, "model.safetensors"), new(*checkpoint.FormatError))

	require.NoError(t, os.Remove(weights))
	require.ErrorIs(t, refused(t, dir, opts, "safetensors"), fs.ErrNotExist)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pytorch_model.bin"), []byte("PK"), 0o644))
	require.ErrorAs(t, refused(t, dir, opts, "pytorch_model.bin", "convert"), new(*checkpoint.UnsupportedError))

	config := filepath.Join(dir, "config.json")
	require.NoError(t, os.WriteFile(config, []byte(`{"model_type": "mamba2"}`), 0o644))
	require.ErrorAs(t, refused(t, dir, opts, "Mamba-2"), new(*checkpoint.UnsupportedError))
	require.NoError(t, os.WriteFile(config, []byte(`{"model_type": `), 0o644))
	require.ErrorAs(t, refused(t, dir, opts, "config.json"), new(*checkpoint.FormatError))
}

// TestShapesRefused loads tensors of other sizes than config.json says, and a
// folder in which one is missing.
func TestShapesRefused(t *testing.T) {
	opts := Options{Adapter: GoAdapter}
	dir := writeModel(t, tiny(), func(w tensors) {
		w.set(t, "backbone.layers.0.mixer.D", checkpoint.F32, []int{23}, make([]float32, 23))
	})
	require.ErrorAs(t, refused(t, dir, opts, "mixer.D", "23", "24"), new(*checkpoint.FormatError))
	dir = writeModel(t, tiny(), func(w tensors) { delete(w, "backbone.norm_f.weight") })
	require.ErrorAs(t, refused(t, dir, opts, "norm_f.weight"), new(*checkpoint.FormatError))
}

func TestTokenizersRefused(t *testing.T) {
	opts := Options{Adapter: GoAdapter}
	dir := writeModel(t, tiny(), nil)
	own := filepath.Join(dir, tokenizerFile)
	for _, text := range []string{"", "{", "[]", `{"model": {"type": "Unigram"}}`} {
		require.NoError(t, os.WriteFile(own, []byte(text), 0o644))
		require.ErrorAs(t, refused(t, dir, opts, "tokenizer.json"), new(*tokenizer.FormatError), text)
	}
	require.NoError(t, os.Remove(own))
	require.NoError(t, os.Mkdir(own, 0o755))
	refused(t, dir, opts, "tokenizer.json")
	require.NoError(t, os.Remove(own))
	opts.Tokenizer = filepath.Join(dir, "other.json")
	require.ErrorIs(t, refused(t, dir, opts, "other.json"), fs.ErrNotExist)
}

// TestForeignTokenizer has a tokenizer with more ids than the model.
func TestForeignTokenizer(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		opts.Tokenizer = reference + "/tokenizer.json"
		m := newTiny(t, opts)
		_, err := failure(m.Generate(ctx, "Call me Ishmael.", nil))
		var token *TokenError
		require.ErrorAs(t, err, &token)
		assert.Equal(t, 41, token.Size)
		assert.ErrorContains(t, err, "outside the vocabulary of 0 to 40")
		ids, _ := collect(t, m.GenerateIDs(ctx, []int{1}, &GenerateOptions{MaxTokens: 4, IgnoreEOS: true}))
		assert.Len(t, ids, 4)
	})
}

func TestNoTokenizer(t *testing.T) {
	m := newTiny(t, Options{Adapter: GoAdapter})
	assert.Nil(t, m.Tokenizer())
	_, err := failure(m.Generate(ctx, "a", nil))
	assert.Equal(t, ErrNoTokenizer, err)
	ids, text := collect(t, m.GenerateIDs(ctx, []int{1}, &GenerateOptions{MaxTokens: 4}))
	assert.Len(t, ids, 4)
	assert.Empty(t, text)
}

func TestOptionsRefused(t *testing.T) {
	dir := writeModel(t, tiny(), nil)
	err := refused(t, dir, Options{Adapter: GoAdapter, ChunkLength: -1}, "ChunkLength is -1")
	require.ErrorAs(t, err, new(*OptionError))
	_, err = New(tiny(), 1, &Options{Adapter: GoAdapter, ChunkLength: -1})
	require.ErrorAs(t, err, new(*OptionError))

	device(t)
	quiet := Options{Adapter: "no such adapter", Notices: io.Discard}
	var adapter *wgpu.AdapterError
	require.ErrorAs(t, refused(t, dir, quiet, "no such adapter"), &adapter)
	require.NotEmpty(t, adapter.Have)

	for _, budget := range []uint64{1, 1 << 10, 1 << 20} {
		var limit *wgpu.LimitError
		err := refused(t, dir, Options{MemoryBudget: budget, Notices: io.Discard}, "memory budget")
		require.ErrorAs(t, err, &limit)
		require.Equal(t, budget, limit.Have)
	}
}

// TestDeviceTooSmall loads onto a caller's device that cannot hold the model.
func TestDeviceTooSmall(t *testing.T) {
	dir := writeModel(t, tiny(), nil)
	for _, binding := range []uint64{32, 128, 512} {
		err := refused(t, dir, Options{Device: lowDevice(t, binding)}, "MaxStorageBinding")
		require.ErrorAs(t, err, new(*wgpu.LimitError))
	}
	dev := lowDevice(t, 1<<20)
	require.NoError(t, dev.Close())
	require.ErrorIs(t, refused(t, dir, Options{Device: dev}), ErrClosed)
}

// TestReadFails has a file system that fails in the middle of a tensor.
func TestReadFails(t *testing.T) {
	dir := writeModel(t, tiny(), nil)
	_, err := LoadFS(failing{os.DirFS(dir)}, ".", &Options{Adapter: GoAdapter})
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("disk is broken")

// failing is a file system whose weights cannot be read past their header.
type failing struct{ fs.FS }

func (f failing) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || filepath.Ext(name) != ".safetensors" {
		return file, err
	}
	return failingFile{file}, nil
}

type failingFile struct{ fs.File }

func (f failingFile) ReadAt(p []byte, off int64) (int, error) {
	if off > 4000 {
		return 0, errBroken
	}
	return f.File.(io.ReaderAt).ReadAt(p, off)
}

// TestStreamStops ends a stream while the next chunk is being read: nothing is
// read after it has returned.
func TestStreamStops(t *testing.T) {
	const n = 3 * streamChunk / 4
	var file bytes.Buffer
	err := checkpoint.WriteSafetensors(&file, []checkpoint.NamedData{
		{Name: "x", DType: checkpoint.F32, Shape: []int{n}, Data: make([]byte, 4*n)},
	}, nil)
	require.NoError(t, err)
	slow := &slowReader{ReaderAt: bytes.NewReader(file.Bytes())}
	f, err := checkpoint.OpenReader("x", slow, int64(file.Len()))
	require.NoError(t, err)
	x, _ := f.Tensor("x")
	chunks := 0
	err = stream(x, 4, func([]byte) error {
		chunks++
		require.Eventually(t, func() bool { return slow.reading.Load() > 0 }, 5*time.Second, time.Millisecond)
		return errBroken
	})
	require.Equal(t, errBroken, err)
	require.Equal(t, 1, chunks)
	require.Zero(t, slow.reading.Load())
}

// slowReader counts the reads under way.
type slowReader struct {
	io.ReaderAt
	reading atomic.Int32
}

func (r *slowReader) ReadAt(p []byte, off int64) (int, error) {
	r.reading.Add(1)
	defer r.reading.Add(-1)
	time.Sleep(100 * time.Millisecond)
	return r.ReaderAt.ReadAt(p, off)
}

// TestNoAdapterNotice says how the Go backend came to be taken.
func TestNoAdapterNotice(t *testing.T) {
	t.Setenv("MAMBAGPU_BACKEND", "none")
	t.Setenv("MAMBAGPU_ADAPTER", "")
	dir := writeModel(t, tiny(), nil)
	var notices bytes.Buffer
	m := open(t, dir, Options{Notices: &notices})
	require.Equal(t, GoAdapter, m.Adapter())
	require.Contains(t, notices.String(), "no WebGPU adapter")

	_, err := Load(dir, &Options{Adapter: "0"})
	require.ErrorIs(t, err, wgpu.ErrNoAdapter, "an adapter that was asked for is not replaced")
	t.Setenv("MAMBAGPU_ADAPTER", GoAdapter)
	notices.Reset()
	require.Equal(t, GoAdapter, open(t, dir, Options{Notices: &notices}).Adapter())
	require.Empty(t, notices.String())
}
