package checkpoint_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

func drawTensors(t *rapid.T) []checkpoint.NamedData {
	names := rapid.SliceOfNDistinct(rapid.String().Filter(func(s string) bool {
		return s != "__metadata__"
	}), 0, 6, rapid.ID).Draw(t, "names")
	tensors := make([]checkpoint.NamedData, len(names))
	for i, name := range names {
		dtype := checkpoint.DType(rapid.IntRange(int(checkpoint.F32), int(checkpoint.C64)).Draw(t, "dtype"))
		shape := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 4).Draw(t, "shape")
		size := dtype.Size()
		for _, d := range shape {
			size *= d
		}
		data := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "data")
		tensors[i] = checkpoint.NamedData{Name: name, DType: dtype, Shape: shape, Data: data}
	}
	return tensors
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tensors := drawTensors(t)
		metadata := rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "metadata")
		var b bytes.Buffer
		require.NoError(t, checkpoint.WriteSafetensors(&b, tensors, metadata))
		f, err := openBytes(b.Bytes())
		require.NoError(t, err)
		require.Len(t, f.Names(), len(tensors))
		require.True(t, slices.IsSorted(f.Names()))
		require.Len(t, f.Metadata(), len(metadata))
		for key, value := range metadata {
			require.Equal(t, value, f.Metadata()[key])
		}
		for _, want := range tensors {
			got, ok := f.Tensor(want.Name)
			require.True(t, ok)
			require.Equal(t, want.DType, got.DType)
			require.Equal(t, append([]int{}, want.Shape...), got.Shape)
			data := make([]byte, got.Bytes())
			n, _ := got.ReadAt(data, 0)
			require.Equal(t, len(data), n)
			require.True(t, bytes.Equal(want.Data, data))
			require.Equal(t, len(data), got.Elements()*got.DType.Size())
		}
		// The order of the arguments does not matter.
		var again bytes.Buffer
		slices.Reverse(tensors)
		require.NoError(t, checkpoint.WriteSafetensors(&again, tensors, metadata))
		require.Equal(t, b.Bytes(), again.Bytes())
	})
}

func TestAlignment(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, checkpoint.WriteSafetensors(&b, []checkpoint.NamedData{
		{Name: "a", DType: checkpoint.U8, Shape: []int{3}, Data: make([]byte, 3)},
		{Name: "b", DType: checkpoint.F16, Shape: []int{1}, Data: make([]byte, 2)},
		{Name: "c", DType: checkpoint.F64, Shape: []int{1}, Data: make([]byte, 8)},
	}, nil))
	require.Contains(t, b.String(), `"c":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[1],"data_offsets":[8,10]}`)
	require.Zero(t, binary.LittleEndian.Uint64(b.Bytes())%8)
}

func TestReadAt(t *testing.T) {
	f, err := openBytes(append(raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[3],"data_offsets":[4,7]}}`, 4), 1, 2, 3))
	require.NoError(t, err)
	b, _ := f.Tensor("b")
	p := make([]byte, 8)
	n, err := b.ReadAt(p, 1)
	require.Equal(t, 2, n)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []byte{2, 3}, p[:2])
	_, err = b.ReadAt(p, 3)
	require.Equal(t, io.EOF, err)
	_, err = b.ReadAt(p, -1)
	require.Error(t, err)
	_, err = b.Float32(nil)
	formatError(t, err, "f.safetensors", "tensor b", "U8")
	require.Equal(t, "f.safetensors", b.Path())
	_, ok := f.Tensor("c")
	require.False(t, ok)
	require.NoError(t, f.Close())
	_, err = new(checkpoint.Tensor).ReadAt(p, 0)
	require.Equal(t, io.EOF, err)
}

// TestFloat32Chunks decodes a tensor longer than one chunk into a reused slice.
func TestFloat32Chunks(t *testing.T) {
	values := make([]float32, 70_001)
	for i := range values {
		values[i] = float32(i % 251)
	}
	for _, d := range floats {
		data, err := checkpoint.Encode(d, values)
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, checkpoint.WriteSafetensors(&b, []checkpoint.NamedData{{Name: "w", DType: d, Shape: []int{70_001}, Data: data}}, nil))
		f, err := openBytes(b.Bytes())
		require.NoError(t, err)
		w, _ := f.Tensor("w")
		dst := make([]float32, 5, 80_000)
		got, err := w.Float32(dst)
		require.NoError(t, err)
		require.Equal(t, values, got)
		require.Same(t, &dst[0], &got[0])
	}
}

// headerCases are broken headers, each with what the message must say.
var headerCases = []struct {
	name, header string
	size         int
	parts        []string
}{
	{"no object", `[1]`, 0, []string{`begins with "[1]"`, "JSON object"}},
	{"leading space", ` {}`, 0, []string{"begins with", "JSON object"}},
	{"not UTF-8", "{\"\xff\":1}", 0, []string{"UTF-8"}},
	{"broken JSON", `{"a":`, 0, []string{"invalid JSON"}},
	{"brace only", `{`, 0, []string{"invalid JSON"}},
	{"trailing comma", `{"__metadata__":{},}`, 0, []string{"invalid JSON"}},
	{"number as name", `{1:2}`, 0, []string{"invalid JSON"}},
	{"more after it", `{}{}`, 0, []string{"after the closing brace"}},
	{"twice", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2, []string{"tensor a", "a twice"}},
	{"member twice", `{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1, []string{"tensor a", "dtype twice"}},
	{"entry no object", `{"a":[]}`, 0, []string{"tensor a", "not an object"}},
	{"unknown dtype", `{"a":{"dtype":"F12","shape":[1],"data_offsets":[0,1]}}`, 1, []string{"tensor a", "F12", "BF16"}},
	{"dtype number", `{"a":{"dtype":1,"shape":[1],"data_offsets":[0,1]}}`, 1, []string{"tensor a", "dtype 1"}},
	{"dtype missing", `{"a":{"shape":[1],"data_offsets":[0,1]}}`, 1, []string{"tensor a", "no dtype"}},
	{"wrong case", `{"a":{"Dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, []string{"tensor a", "no dtype"}},
	{"shape missing", `{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 1, []string{"tensor a", "no shape"}},
	{"shape null", `{"a":{"dtype":"U8","shape":null,"data_offsets":[0,1]}}`, 1, []string{"tensor a", "shape null"}},
	{"shape of null", `{"a":{"dtype":"U8","shape":[null],"data_offsets":[0,0]}}`, 0, []string{"tensor a", "shape [null]"}},
	{"shape text", `{"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}`, 1, []string{"tensor a", `shape ["1"]`}},
	{"shape fraction", `{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, 1, []string{"tensor a", "shape [1.0]"}},
	{"shape negative", `{"a":{"dtype":"U8","shape":[-1,-1],"data_offsets":[0,1]}}`, 1, []string{"tensor a", "shape [-1,-1]", "none negative"}},
	{"shape beyond int", `{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}`, 1, []string{"tensor a", "range of int"}},
	{"shape overflow", `{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0, []string{"tensor a", "product in the range of int"}},
	{"size overflow", `{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}`, 0, []string{"tensor a", "product in the range of int"}},
	{"offsets missing", `{"a":{"dtype":"U8","shape":[1]}}`, 1, []string{"tensor a", "no data_offsets"}},
	{"one offset", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[1]}}`, 1, []string{"tensor a", "data_offsets [1]"}},
	{"offsets negative", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}`, 1, []string{"tensor a", "data_offsets [-1,0]"}},
	{"offsets backwards", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, 1, []string{"tensor a", "begin <= end"}},
	{"wrong size", `{"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,10]}}`, 10, []string{"tensor a", "10 bytes", "12 bytes for F16 of shape [2 3]"}},
	{"hole", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}`, 4, []string{"tensor b", "byte 3, a hole", "byte 1"}},
	{"hole at the start", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2, []string{"tensor a", "a hole"}},
	{"overlap", `{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 4, []string{"tensor b", "byte 2, an overlap", "byte 3"}},
	{"same place", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, []string{"tensor b", "an overlap"}},
	{"past the end", `{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}`, 5, []string{"tensor a", "5 bytes of data", "9223372036854775802 bytes are missing"}},
	{"data left over", `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 4, []string{"4 bytes of data", "3 bytes belong to no tensor"}},
	{"metadata of numbers", `{"__metadata__":{"a":1}}`, 0, []string{"__metadata__", "a: 1", "object of strings"}},
	{"metadata null", `{"__metadata__":null}`, 0, []string{"__metadata__", "object of strings"}},
	{"metadata twice", `{"__metadata__":{"a":"1","a":"2"}}`, 0, []string{"__metadata__", "a twice"}},
	{"name with escape", `{"\u001b[2J":{"dtype":"U8"}}`, 0, []string{`tensor "\x1b[2J"`}},
}

func TestHeaderErrors(t *testing.T) {
	for _, c := range headerCases {
		t.Run(c.name, func(t *testing.T) {
			_, err := openBytes(raw(c.header, c.size))
			formatError(t, err, append(c.parts, "f.safetensors")...)
		})
	}
	long := `{"` + strings.Repeat("x", 1<<20) + `":1}`
	_, err := openBytes(raw(long, 0))
	formatError(t, err)
	require.Less(t, len(err.Error()), 500)
}

func TestHeaderLength(t *testing.T) {
	for n, part := range map[uint64]string{
		0: "header of 0 bytes", 3: "1 bytes are missing", 100_000_000: "99999998 bytes are missing",
		100_000_001: "1 to 100000000", math.MaxUint64: "1 to 100000000", 1 << 63: "1 to 100000000",
	} {
		_, err := openBytes(append(binary.LittleEndian.AppendUint64(nil, n), "{}"...))
		formatError(t, err, "f.safetensors", part)
	}
	for _, good := range []string{`{}`, "{} \n ", `{"__metadata__":{"a":"1"},"empty":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},"n":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`} {
		f, err := openBytes(raw(good, 0))
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
}

// TestTruncated cuts a file at every byte.
func TestTruncated(t *testing.T) {
	whole := raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}`, 11)
	_, err := openBytes(whole)
	require.NoError(t, err)
	header := len(whole) - 11
	for n := range len(whole) {
		_, err := openBytes(whole[:n])
		missing := len(whole) - n
		switch {
		case n < 8:
			missing = 8 - n
		case n < header:
			missing = header - n
		}
		formatError(t, err, "f.safetensors", fmt.Sprintf("%d bytes are missing", missing))
		if n >= header {
			formatError(t, err, "tensor ")
		}
	}
}

// TestShrunk reads a file that is shorter than was said.
func TestShrunk(t *testing.T) {
	data := raw(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8)
	f, err := checkpoint.OpenReader("x", bytes.NewReader(data[:len(data)-3]), int64(len(data)))
	require.NoError(t, err)
	a, _ := f.Tensor("a")
	_, err = a.Float32(nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	hasParts(t, err, []string{"x", "tensor a"})
	_, err = checkpoint.OpenReader("x", bytes.NewReader(data[:12]), int64(len(data)))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

type brokenReader struct{}

func (brokenReader) ReadAt([]byte, int64) (int, error) { return 0, fs.ErrPermission }

func TestReadFault(t *testing.T) {
	_, err := checkpoint.OpenReader("x", brokenReader{}, 100)
	require.ErrorIs(t, err, fs.ErrPermission)
	hasParts(t, err, []string{"x: "})
}

func TestOtherFormats(t *testing.T) {
	for head, what := range map[string]string{
		"GGUF\x03\x00\x00\x00": "GGUF", "PK\x03\x04\x00\x00\x08\x08": "PyTorch",
		"\x80\x02\x8a\x0alxxxx": "pickle", "version https://git-lfs.github.com/spec/v1\n": "Git LFS",
	} {
		_, err := openBytes(append([]byte(head), make([]byte, 40)...))
		unsupported(t, err, "f.safetensors", what)
	}
}

func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	_, err := checkpoint.OpenFile(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = checkpoint.OpenFile(dir)
	formatError(t, err, dir, "no regular file")
	for size := range 10 {
		path := filepath.Join(dir, "short")
		require.NoError(t, os.WriteFile(path, make([]byte, size), 0o600))
		_, err = checkpoint.OpenFile(path)
		formatError(t, err, path)
	}
	path := filepath.Join(dir, "good")
	require.NoError(t, os.WriteFile(path, raw(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4), 0o600))
	f, err := checkpoint.OpenFile(path)
	require.NoError(t, err)
	a, _ := f.Tensor("a")
	got, err := a.Float32(nil)
	require.NoError(t, err)
	require.Equal(t, []float32{0}, got)
	require.NoError(t, f.Close())
	require.NoError(t, f.Close())
	_, err = a.Float32(nil)
	require.Error(t, err)
}

func TestWriteErrors(t *testing.T) {
	one := checkpoint.NamedData{Name: "a", DType: checkpoint.U8, Shape: []int{1}, Data: []byte{1}}
	change := func(f func(*checkpoint.NamedData)) []checkpoint.NamedData {
		x := one
		f(&x)
		return []checkpoint.NamedData{x}
	}
	for name, tensors := range map[string][]checkpoint.NamedData{
		"this name twice": {one, one},
		"1 bytes":         change(func(x *checkpoint.NamedData) { x.DType = checkpoint.F32 }),
		"DType(0)":        change(func(x *checkpoint.NamedData) { x.DType = 0 }),
		"shape [-1 -1]":   change(func(x *checkpoint.NamedData) { x.Shape = []int{-1, -1} }),
		"__metadata__":    change(func(x *checkpoint.NamedData) { x.Name = "__metadata__" }),
		"in UTF-8":        change(func(x *checkpoint.NamedData) { x.Name = "\xff" }),
		"product":         change(func(x *checkpoint.NamedData) { x.Shape = []int{math.MaxInt, math.MaxInt} }),
	} {
		var b bytes.Buffer
		formatError(t, checkpoint.WriteSafetensors(&b, tensors, nil), name)
		require.Zero(t, b.Len())
	}
	formatError(t, checkpoint.WriteSafetensors(io.Discard, nil, map[string]string{"a": "\xff"}), "metadata")
	for n := range 2 {
		err := checkpoint.WriteSafetensors(&fullWriter{n}, []checkpoint.NamedData{one}, nil)
		require.ErrorIs(t, err, errFull)
	}
}

var errFull = errors.New("full")

// fullWriter takes so many writes and then no more.
type fullWriter struct{ left int }

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.left == 0 {
		return 0, errFull
	}
	w.left--
	return len(p), nil
}
