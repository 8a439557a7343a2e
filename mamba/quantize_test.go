package mamba

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

// integerTypes are the weights of integers.
var integerTypes = []Weights{WeightsQ8, WeightsQ4}

// wide is tiny with rows that are no whole groups and more than one.
func wide() ModelConfig {
	c := tiny()
	c.DModel, c.DInner, c.Tied, c.UseBias = 44, 88, false, true
	return c
}

// quantize writes the model in dir with integers and returns the new folder.
func quantize(t testing.TB, dir string, w Weights) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "a", string(w))
	ckpt, err := checkpoint.Open(dir)
	require.NoError(t, err)
	defer ckpt.Close()
	require.NoError(t, Quantize(ctx, ckpt, out, &QuantizeOptions{Weights: w}))
	return out
}

// TestQuantizedFolder checks that a quantised folder is the model that rounding
// while loading makes, bit by bit, and that a GPU computes with either what plain
// Go does.
func TestQuantizedFolder(t *testing.T) {
	for name, c := range map[string]ModelConfig{"tiny": tiny(), "wide": wide()} {
		for _, w := range integerTypes {
			dir := writeModel(t, c, nil)
			folder := quantize(t, dir, w)
			withOptions(t, func(t *testing.T, opts Options) {
				stored := open(t, folder, opts)
				plain := open(t, dir, opts)
				opts.Weights = w
				rounded := open(t, dir, opts)
				require.Equal(t, w.bits(), stored.Config().Bits)
				require.Equal(t, stored.Config(), rounded.Config())
				require.Equal(t, stored.fingerprint, rounded.fingerprint)
				require.NotEqual(t, stored.fingerprint, plain.fingerprint)
				ids := someIDs(stored, 37, 1)
				got := alone(t, stored, ids)
				require.Equal(t, got, alone(t, rounded, ids))
				r := relative(got, alone(t, plain, ids))
				require.Greater(t, r, 1e-4, "nothing was rounded")
				require.Less(t, r, 0.5, "%s %s", name, w)
				host := open(t, folder, Options{Adapter: GoAdapter})
				require.LessOrEqual(t, relative(got, alone(t, host, ids)), invariant)
			})
		}
	}
}

// TestQuantizedValues checks that matrices stand for the numbers that the format's
// definition gives, and that the rest is as it was.
func TestQuantizedValues(t *testing.T) {
	c := wide()
	dir := writeModel(t, c, nil)
	for _, w := range integerTypes {
		m := open(t, quantize(t, dir, w), Options{Adapter: GoAdapter})
		net := m.backend.(*goBackend).net
		for _, x := range []struct {
			name       string
			got        []float32
			rows, cols int
		}{
			{"backbone.embeddings.weight", net.embedding.shards[0].data.f32, c.VocabSize, c.DModel},
			{"lm_head.weight", net.head.shards[0].data.f32, c.VocabSize, c.DModel},
			{"backbone.layers.1.mixer.in_proj.weight", net.blocks[1].inProj.shards[0].data.f32, 2 * c.DInner, c.DModel},
			{"backbone.layers.1.mixer.x_proj.weight", net.blocks[1].xProj.shards[0].data.f32, c.DTRank + 2*c.DState, c.DInner},
			{"backbone.layers.0.mixer.out_proj.weight", net.blocks[0].outProj.shards[0].data.f32, c.DModel, c.DInner},
		} {
			values := storedFloats(t, dir, x.name)
			d, _, err := w.stored()
			require.NoError(t, err)
			want := shaders.Dequantize(d, shaders.Quantize(d, values, x.cols), x.rows, x.cols)
			require.Equal(t, want, x.got, "%s %s", w, x.name)
			require.NotEqual(t, values, x.got)
		}
		for name, got := range map[string][]float32{
			"backbone.layers.0.mixer.dt_proj.weight": net.blocks[0].dtProj.f32,
			"backbone.layers.0.mixer.dt_proj.bias":   net.blocks[0].dtBias.f32,
			"backbone.norm_f.weight":                 net.normF.f32,
		} {
			require.Equal(t, storedFloats(t, dir, name), got, name)
		}
	}
}

func storedFloats(t *testing.T, dir, name string) []float32 {
	ckpt, err := checkpoint.Open(dir)
	require.NoError(t, err)
	defer ckpt.Close()
	x, err := ckpt.Tensor(name)
	require.NoError(t, err)
	values, err := x.Float32(nil)
	require.NoError(t, err)
	return values
}

// TestQuantizedShards checks a device whose bindings hold a few rows.
func TestQuantizedShards(t *testing.T) {
	dir := writeModel(t, wide(), nil)
	for _, w := range integerTypes {
		folder := quantize(t, dir, w)
		dev := lowDevice(t, 2640) // 48 rows of in_proj with 8 bits or 72 with 4, and their scales
		m := open(t, folder, Options{Device: dev})
		require.Greater(t, len(m.backend.(*gpuBackend).net.blocks[0].inProj.shards), 2)
		ids := someIDs(m, 9, 1)
		host := open(t, folder, Options{Adapter: GoAdapter})
		require.LessOrEqual(t, relative(alone(t, m, ids), alone(t, host, ids)), invariant)
	}
}

// TestQuantizedStates: a state belongs to the rounded weights, however they came
// to be.
func TestQuantizedStates(t *testing.T) {
	dir := writeModel(t, tiny(), nil)
	plain := open(t, dir, Options{Adapter: GoAdapter})
	stored := open(t, quantize(t, dir, WeightsQ8), Options{Adapter: GoAdapter})
	rounded := open(t, dir, Options{Adapter: GoAdapter, Weights: WeightsQ8})
	s := newState(t, stored)
	prefill(t, stored, s, []int{1, 2, 3})
	var file bytes.Buffer
	require.NoError(t, s.Save(&file))
	_, err := plain.LoadState(bytes.NewReader(file.Bytes()))
	require.Error(t, err)
	again, err := rounded.LoadState(bytes.NewReader(file.Bytes()))
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

// TestQuantizeLayouts: the original layout, shards and 16-bit weights come to what
// they stand for.
func TestQuantizeLayouts(t *testing.T) {
	c := tiny()
	half := func(name string) checkpoint.DType { return checkpoint.F16 }
	w := randomTensors(t, c, half)
	dir := writeFolder(t, c, w)
	want := open(t, quantize(t, dir, WeightsQ8), Options{Adapter: GoAdapter})

	original := t.TempDir()
	writeJSON(t, filepath.Join(original, "config.json"), map[string]any{
		"d_model": c.DModel, "n_layer": c.NLayer, "vocab_size": c.VocabSize, "pad_vocab_size_multiple": 1,
		"ssm_cfg": map[string]any{"d_state": c.DState, "d_conv": c.DConv, "dt_rank": c.DTRank}})
	w["backbone.embedding.weight"] = w["backbone.embeddings.weight"]
	x := w["backbone.embedding.weight"]
	x.Name = "backbone.embedding.weight"
	w["backbone.embedding.weight"] = x
	delete(w, "backbone.embeddings.weight")
	first := func(name string) bool { return strings.Contains(name, ".0.") }
	w.write(t, filepath.Join(original, "a.safetensors"), first)
	w.write(t, filepath.Join(original, "b.safetensors"), func(name string) bool { return !first(name) })
	where := map[string]string{}
	for name := range w {
		where[name] = map[bool]string{true: "a.safetensors", false: "b.safetensors"}[first(name)]
	}
	writeJSON(t, filepath.Join(original, "model.safetensors.index.json"), map[string]any{"weight_map": where})
	got := open(t, quantize(t, original, WeightsQ8), Options{Adapter: GoAdapter})
	require.Equal(t, want.fingerprint, got.fingerprint)
	require.Equal(t, want.Config(), got.Config())

	for name, dtype := range map[string]checkpoint.DType{ // what is small becomes float32
		"backbone.layers.0.mixer.dt_proj.weight": checkpoint.F16,
		"backbone.layers.0.mixer.A_log":          checkpoint.F32,
		"backbone.layers.0.mixer.conv1d.bias":    checkpoint.F32,
		"backbone.norm_f.weight":                 checkpoint.F32,
	} {
		ckpt, err := checkpoint.Open(quantize(t, dir, WeightsQ8))
		require.NoError(t, err)
		defer ckpt.Close()
		x, err := ckpt.Tensor(name)
		require.NoError(t, err)
		require.Equal(t, dtype, x.DType, name)
		values, err := x.Float32(nil)
		require.NoError(t, err)
		require.Equal(t, storedFloats(t, dir, name), values, name)
	}
}

// TestWeightsOfFloats checks the conversions to floats.
func TestWeightsOfFloats(t *testing.T) {
	dir := writeModel(t, tiny(), nil)
	withOptions(t, func(t *testing.T, opts Options) {
		logits := func(w Weights) []float32 {
			o := opts
			o.Weights = w
			m := open(t, dir, o)
			require.Zero(t, m.Config().Bits)
			return alone(t, m, []int{3, 1, 4, 1, 5})
		}
		plain := logits(WeightsAsStored)
		require.Equal(t, plain, logits(WeightsF32))
		for w, tolerance := range map[Weights]float64{WeightsF16: 5e-3, WeightsBF16: 5e-2} {
			r := relative(logits(w), plain)
			require.Greater(t, r, tolerance/1000, w)
			require.Less(t, r, tolerance, w)
		}
	})
}

func TestNewWithWeights(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		plain, err := New(wide(), 1, &opts)
		require.NoError(t, err)
		defer plain.Close()
		for w, tolerance := range map[Weights]float64{WeightsF16: 1e-2, WeightsQ8: 0.1, WeightsQ4: 0.5} {
			o := opts
			o.Weights = w
			m, err := New(wide(), 1, &o)
			require.NoError(t, err)
			require.Less(t, relative(alone(t, m, []int{1, 2, 3}), alone(t, plain, []int{1, 2, 3})), tolerance, w)
			if g, ok := m.backend.(*gpuBackend); ok {
				d, _, err := w.stored()
				require.NoError(t, err)
				require.Equal(t, d, g.net.blocks[0].inProj.dtype)
				require.Equal(t, shaders.F16, g.net.blocks[0].dtType)
			}
			require.NoError(t, m.Close())
		}
	})
}

func TestWeightsRefuses(t *testing.T) {
	dir := writeModel(t, tiny(), nil)
	load := func(dir string, w Weights) error {
		m, err := Load(dir, &Options{Adapter: GoAdapter, Weights: w})
		if err == nil {
			m.Close()
		}
		return err
	}
	for _, err := range []error{
		load(dir, "int8"), load(quantize(t, dir, WeightsQ8), WeightsQ4), load(quantize(t, dir, WeightsQ4), WeightsF16),
	} {
		o, ok := errors.AsType[*OptionError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, "Weights", o.Name)
	}
	require.NoError(t, load(quantize(t, dir, WeightsQ4), WeightsQ4))

	const name = "backbone.layers.1.mixer.x_proj.weight"
	for _, c := range []struct {
		w    Weights
		v    float32
		want string
	}{
		{WeightsQ8, float32(math.NaN()), "got NaN at element 30, want finite values"},
		{WeightsQ4, 6e5, "got 600000 at element 30, want at most 524032 for weights in Q4"},
		{WeightsF16, -65520, "got -65520 at element 30, want at most 65504 for weights in F16"},
		{WeightsBF16, math.MaxFloat32, "want at most 3.3895314e+38 for weights in BF16"},
	} {
		bad := writeModel(t, tiny(), func(w tensors) { w.poke(t, name, 30, c.v) })
		err := load(bad, c.w)
		e, ok := errors.AsType[*checkpoint.FormatError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, name, e.Tensor)
		require.Contains(t, err.Error(), c.want)
		require.Contains(t, e.Path, bad)
	}
	largest := writeModel(t, tiny(), func(w tensors) { w.poke(t, name, 30, math.MaxFloat32) })
	require.NoError(t, load(largest, WeightsQ8))
}

// TestQuantizedFilesRefused changes bytes of sound files: what the header cannot
// show is found while loading, by any backend.
func TestQuantizedFilesRefused(t *testing.T) {
	dir := writeModel(t, wide(), nil)
	const name = "backbone.layers.1.mixer.x_proj.weight"
	for _, c := range []struct {
		w      Weights
		tensor string
		at     int
		bytes  []byte
		want   string
	}{
		{WeightsQ8, name, 88 + 5, []byte{0x80}, "got -128 in row 1, column 5, want -127 to 127"},
		{WeightsQ8, name + "_scale", 8, []byte{0, 0, 0xc0, 0x7f}, "got NaN at element 2"},
		{WeightsQ8, name + "_scale", 8, []byte{0, 0, 0, 0x80}, "the scale -0 at element 2, want 0 or more"},
		{WeightsQ8, name + "_scale", 8, []byte{0, 0, 0x7f, 0x7f}, "a number whose 127-fold is finite"},
		{WeightsQ4, name, 48 + 47, []byte{0x88 ^ 1}, "in row 1, column 91, want 8, as in all columns past the last"},
		{WeightsQ4, name + "_scale", 2, []byte{0, 0x7c}, "got +Inf at element 1"},
		{WeightsQ4, name + "_scale", 2, []byte{0, 0x80}, "the scale -0 at element 1"},
	} {
		folder := quantize(t, dir, c.w)
		file := filepath.Join(folder, "model.safetensors")
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		copy(data[dataOffset(t, folder, c.tensor)+c.at:], c.bytes)
		require.NoError(t, os.WriteFile(file, data, 0o644))
		withOptions(t, func(t *testing.T, opts Options) {
			_, err := Load(folder, &opts)
			e, ok := errors.AsType[*checkpoint.FormatError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, file, e.Path)
			require.Equal(t, c.tensor, e.Tensor)
			require.Contains(t, err.Error(), c.want)
		})
	}
}

// dataOffset is where a tensor's data begins in a folder's file.
func dataOffset(t *testing.T, dir, name string) int {
	ckpt, err := checkpoint.Open(dir)
	require.NoError(t, err)
	defer ckpt.Close()
	var shapes []checkpoint.NamedShape
	for _, n := range ckpt.Names() {
		x, err := ckpt.Tensor(n)
		require.NoError(t, err)
		shapes = append(shapes, checkpoint.NamedShape{Name: n, DType: x.DType, Shape: x.Shape})
	}
	l, err := checkpoint.LayOut(shapes, map[string]string{"format": "pt"})
	require.NoError(t, err)
	for _, p := range l.Places {
		if p.Name == name {
			return int(p.Offset)
		}
	}
	t.Fatal(name)
	return 0
}

func TestQuantizeFolder(t *testing.T) {
	c := tiny()
	dir := writeModel(t, c, nil)
	for name, content := range map[string]string{"tokenizer.json": "not looked at", "LICENSE.txt": "free", "expected.json": "of floats", "notes.txt": "mine"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	ckpt, err := checkpoint.Open(dir)
	require.NoError(t, err)
	defer ckpt.Close()
	parent := t.TempDir()
	out := filepath.Join(parent, "new")
	var done, total int64
	opts := &QuantizeOptions{Progress: func(d, n int64) { done, total = d, n }}
	require.NoError(t, Quantize(ctx, ckpt, out, opts))
	require.Equal(t, 4*c.Parameters(), total)
	require.Equal(t, total, done)
	require.Equal(t, []string{"LICENSE.txt", "config.json", "model.safetensors", "tokenizer.json"}, names(t, out))
	require.Equal(t, []string{"new"}, names(t, parent))

	// Not over anything, and an empty folder is nothing.
	require.ErrorIs(t, Quantize(ctx, ckpt, out, nil), fs.ErrExist)
	require.Error(t, Quantize(ctx, ckpt, filepath.Join(out, "config.json"), nil))
	require.Error(t, Quantize(ctx, ckpt, filepath.Join(out, "config.json", "below"), nil))
	empty := filepath.Join(parent, "empty")
	require.NoError(t, os.Mkdir(empty, 0o755))
	require.NoError(t, Quantize(ctx, ckpt, empty, nil))
	require.Equal(t, names(t, out), names(t, empty))

	for _, w := range []Weights{WeightsF16, "q5"} {
		_, ok := errors.AsType[*OptionError](Quantize(ctx, ckpt, filepath.Join(parent, "x"), &QuantizeOptions{Weights: w}))
		require.True(t, ok)
	}
	again, err := checkpoint.Open(out)
	require.NoError(t, err)
	defer again.Close()
	_, ok := errors.AsType[*OptionError](Quantize(ctx, again, filepath.Join(parent, "x"), nil))
	require.True(t, ok)

	// What fails or is stopped leaves nothing behind.
	stopped, cancel := context.WithCancel(ctx)
	opts.Progress = func(d, n int64) {
		if d > n/2 {
			cancel()
		}
	}
	require.ErrorIs(t, Quantize(stopped, ckpt, filepath.Join(parent, "x"), opts), context.Canceled)
	bad, err := checkpoint.Open(writeModel(t, c, func(w tensors) { w.poke(t, "backbone.norm_f.weight", 1, float32(math.Inf(1))) }))
	require.NoError(t, err)
	defer bad.Close()
	_, ok = errors.AsType[*checkpoint.FormatError](Quantize(ctx, bad, filepath.Join(parent, "x"), nil))
	require.True(t, ok)
	require.Equal(t, []string{"empty", "new"}, names(t, parent))
}

func names(t *testing.T, dir string) []string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// TestRowReader reads a converted tensor in pieces of odd sizes, of which no two
// blocks' ends agree.
func TestRowReader(t *testing.T) {
	const rows, cols = 700, 3000 // more than a block
	x := NewTensor(rows, cols)
	for i := range x.Data {
		x.Data[i] = float32(math.Sin(float64(i)))
	}
	source, err := parameters{"w": x}.Tensor("w")
	require.NoError(t, err)
	for _, d := range []shaders.DType{shaders.F16, shaders.Q8, shaders.Q4} {
		r := newRowReader(source, d)
		if d.Quantized() {
			_, err = io.ReadFull(io.NewSectionReader((*scaleReader)(r), 0, 4), make([]byte, 4))
			require.ErrorContains(t, err, "the scales were read before row 0 of 700")
		}
		got := make([]byte, rows*r.elementBytes)
		for off, n := 0, 1; off < len(got); n = 2*n + 1 {
			part := got[off:min(off+n, len(got))]
			_, err := r.ReadAt(part, int64(off))
			require.NoError(t, err)
			off += len(part)
		}
		n, err := r.ReadAt(make([]byte, 8), int64(len(got))-3)
		require.Equal(t, 3, n)
		require.ErrorIs(t, err, io.EOF)
		if !d.Quantized() {
			require.True(t, bytes.Equal(shaders.Encode(d, x.Data), got))
			continue
		}
		image := shaders.Quantize(d, x.Data, cols)
		stride := shaders.RowBytes(d, cols)
		for row := range rows {
			require.True(t, bytes.Equal(image[row*stride:][:r.elementBytes], got[row*r.elementBytes:][:r.elementBytes]), "%v row %d", d, row)
		}
		scales := make([]byte, rows*r.scaleBytes)
		_, err = (*scaleReader)(r).ReadAt(scales, 0)
		require.NoError(t, err)
		require.True(t, bytes.Equal(image[rows*stride:][:len(scales)], scales), "%v", d)
	}
}

// TestQuantizedPerplexity holds the rounded reference model to the perplexity of a
// text that it has not read: within 0.5% of 8 bits, within 4% of 4 bits.
func TestQuantizedPerplexity(t *testing.T) {
	ids := heldout(t)[:513]
	perplexity := func(opts Options) float64 {
		m := open(t, reference, opts)
		logs, err := m.LogProbs(ctx, newState(t, m), ids[:len(ids)-1], ids[1:])
		require.NoError(t, err)
		sum := 0.0
		for _, l := range logs {
			sum += l
		}
		return math.Exp(-sum / float64(len(logs)))
	}
	plain := perplexity(Options{Adapter: GoAdapter})
	for w, most := range map[Weights]float64{WeightsQ8: 0.005, WeightsQ4: 0.04} {
		change := perplexity(Options{Adapter: GoAdapter, Weights: w})/plain - 1
		t.Logf("%s: %.4f, %+.3f%%", w, plain, 100*change)
		assert.LessOrEqual(t, math.Abs(change), most, w)
	}
}

// FuzzQuantizedRows reads any bytes as a matrix of integers: what is not refused
// is finite.
func FuzzQuantizedRows(f *testing.F) {
	f.Add(byte(8), []byte{1, 2, 3, 0xff, 4, 5, 6, 7, 8, 9}, []byte{0, 0, 0x80, 0x3f})
	f.Add(byte(4), bytes.Repeat([]byte{0x88}, 16), []byte{0, 0x3c})
	f.Fuzz(func(t *testing.T, bits byte, elements, scales []byte) {
		const cols = 10
		c := tiny()
		c.DModel, c.VocabSize, c.Bits = cols, 1, 8
		if bits == 4 {
			c.Bits = 4
		}
		made := map[string]*checkpoint.Tensor{}
		for s := range c.Tensors() {
			data := map[bool][]byte{true: scales, false: elements}[checkpoint.IsScale(s.Name)]
			n := product(s.Shape) * s.DType.Size()
			x, err := checkpoint.NewTensor("f", s.Name, s.DType, s.Shape, bytes.NewReader(append(data, make([]byte, n)...)))
			require.NoError(t, err)
			made[s.Name] = x
			if len(made) == 2 {
				break
			}
		}
		const name = "backbone.embeddings.weight"
		values, err := readMatrix(made[name], made[checkpoint.ScaleName(name)], 1, cols)
		if err != nil {
			_, ok := errors.AsType[*checkpoint.FormatError](err)
			require.True(t, ok, fmt.Sprint(err))
			return
		}
		for _, v := range values {
			require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0), v)
		}
	})
}

// heldout are the tokens of the text that the reference model has not read.
func heldout(t *testing.T) []int {
	file, err := os.Open(filepath.Join(reference, "heldout.txt.gz"))
	require.NoError(t, err)
	defer file.Close()
	z, err := gzip.NewReader(file)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	m, err := onGo()
	require.NoError(t, err)
	return m.Tokenizer().Encode(string(text))
}
