package checkpoint_test

import (
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

func TestReference(t *testing.T) {
	disk, err := checkpoint.Open(reference)
	require.NoError(t, err)
	embedded, err := checkpoint.OpenFS(os.DirFS("../.."), "testdata/reference-lm")
	require.NoError(t, err)
	for _, c := range []*checkpoint.Checkpoint{disk, embedded} {
		require.Equal(t, checkpoint.Config{
			Layout: checkpoint.HuggingFace, DModel: 256, NLayer: 8, DInner: 512, DState: 16, DConv: 4, DTRank: 16,
			VocabSize: 4096, NormEps: 1e-5, Tied: true, UseConvBias: true, BOS: []int{0}, EOS: []int{0},
		}, c.Config)
		require.EqualValues(t, 4_552_960, c.Config.Parameters())
		require.Len(t, c.Names(), 2+8*10)
		total := int64(0)
		for _, name := range c.Names() {
			x, err := c.Tensor(name)
			require.NoError(t, err)
			values, err := x.Float32(nil)
			require.NoError(t, err)
			total += int64(len(values))
			raw := make([]byte, x.Bytes())
			_, err = x.ReadAt(raw, 0)
			require.True(t, err == nil || err == io.EOF)
			require.NoError(t, checkpoint.CheckFinite(x, raw, 0))
		}
		require.Equal(t, c.Config.Parameters(), total)
		x, err := c.Tensor("backbone.embeddings.weight")
		require.NoError(t, err)
		require.Equal(t, checkpoint.F16, x.DType)
		head, err := c.Tensor("lm_head.weight")
		require.NoError(t, err)
		require.Same(t, x, head)
		_, err = c.Tensor("nothing")
		formatError(t, err, "model.safetensors", "tensor nothing")
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
	}
}

// TestOddSizes opens models of odd widths with each set of optional tensors.
func TestOddSizes(t *testing.T) {
	for i := range 8 {
		want := odd()
		want.Tied, want.UseBias, want.UseConvBias = i&1 == 0, i&2 != 0, i&4 != 0
		w := random(t, want, []checkpoint.DType{checkpoint.F32, checkpoint.F16, checkpoint.BF16}[i%3])
		require.Equal(t, want, open(t, model(t, want, w)).Config)
		lying := want
		lying.UseBias, lying.UseConvBias = !want.UseBias, !want.UseConvBias
		lying.Tied = true
		c := open(t, model(t, lying, w))
		require.Equal(t, want, c.Config, "the tensors decide")
		require.Len(t, w, len(c.Names()))
	}
}

func TestTying(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const embedding, head = "backbone.embeddings.weight", "lm_head.weight"
	for _, written := range []bool{true, false} {
		config := odd()
		config.Tied = true
		w := random(t, config, checkpoint.F32)
		config.Tied = written
		require.True(t, open(t, model(t, config, w)).Config.Tied, "no head")

		x := w[embedding]
		x.Name = head
		w[head] = x
		c := open(t, model(t, config, w))
		require.Equal(t, written, c.Config.Tied, "equal head")
		got, err := c.Tensor(head)
		require.NoError(t, err)
		require.Equal(t, map[bool]string{true: embedding, false: head}[written], got.Name)
		require.Len(t, c.Names(), map[bool]int{true: len(w) - 1, false: len(w)}[written])

		x.Data = append([]byte{}, x.Data...)
		x.Data[len(x.Data)-1] ^= 1
		w[head] = x
		require.False(t, open(t, model(t, config, w)).Config.Tied, "last byte differs")

		w.put(t, rng, head, checkpoint.F16, 13, 10)
		require.False(t, open(t, model(t, config, w)).Config.Tied, "another dtype")

		w.put(t, rng, head, checkpoint.F32, 13, 9)
		formatError(t, openError(model(t, config, w)), "tensor lm_head.weight", "hidden_size", "[13 9]", "[13 10]")
	}
}

// TestTyingLarge compares a head of more than one chunk.
func TestTyingLarge(t *testing.T) {
	config := odd()
	config.VocabSize = 30_001
	w := random(t, config, checkpoint.F32)
	x := w["backbone.embeddings.weight"]
	x.Name = "lm_head.weight"
	w[x.Name] = x
	require.True(t, open(t, model(t, config, w)).Config.Tied)
	x.Data = append([]byte{}, x.Data...)
	x.Data[len(x.Data)-1] ^= 1
	w[x.Name] = x
	require.False(t, open(t, model(t, config, w)).Config.Tied)
}

func TestOriginalLayout(t *testing.T) {
	want := checkpoint.Config{
		Layout: checkpoint.Original, DModel: 18, NLayer: 2, DInner: 36, DState: 16, DConv: 4, DTRank: 2, VocabSize: 16,
		NormEps: 1e-5, Tied: true, UseConvBias: true,
	}
	w := random(t, want, checkpoint.F32)
	w.rename("backbone.embeddings.weight", "backbone.embedding.weight")
	for i := range want.NLayer { // (E, K) for (E, 1, K)
		name := fmt.Sprintf("backbone.layers.%d.mixer.conv1d.weight", i)
		x := w[name]
		x.Shape = []int{36, 4}
		w[name] = x
	}
	config := `{"d_model":18,"n_layer":2,"vocab_size":13,"ssm_cfg":{},"rms_norm":true}`
	fsys := fstest.MapFS{"m/config.json": text(config), "m/model.safetensors": w.file(t, nil)}
	c := open(t, fsys)
	require.Equal(t, want, c.Config)
	for _, name := range append(c.Names(), "lm_head.weight", "backbone.embedding.weight") {
		_, err := c.Tensor(name)
		require.NoError(t, err)
	}
	fsys["m/config.json"] = text(strings.Replace(config, "{}", `{"expand":3}`, 1))
	formatError(t, openError(fsys), "model.safetensors", "in_proj.weight", "ssm_cfg.expand", "[72 18]", "[108 18]")
	delete(w, "backbone.embedding.weight")
	fsys = fstest.MapFS{"m/config.json": text(config), "m/model.safetensors": w.file(t, nil)}
	formatError(t, openError(fsys), "tensor backbone.embedding.weight", "no such tensor", "[16 18]")
}

// TestMissing removes each tensor in turn.
func TestMissing(t *testing.T) {
	config := odd()
	config.UseBias = true
	all := random(t, config, checkpoint.F16)
	for name := range config.Shapes() {
		w := random(t, config, checkpoint.F16)
		delete(w, name)
		formatError(t, openError(model(t, config, w)), "m/model.safetensors", "tensor "+name, "no such tensor", "of shape ["+strings.Trim(fmt.Sprint(all[name].Shape), "[]"))
	}
}

// TestWrongShape lengthens each axis of each tensor of a layer by one.
func TestWrongShape(t *testing.T) {
	config := odd()
	config.UseBias, config.Tied = true, false
	rng := rand.New(rand.NewPCG(5, 6))
	for name, shape := range config.Shapes() {
		if strings.Contains(name, "layers.0.") || strings.Contains(name, "layers.2.") {
			continue
		}
		for axis := range shape {
			w := random(t, config, checkpoint.F16)
			wrong := append([]int{}, shape...)
			wrong[axis]++
			w.put(t, rng, name, checkpoint.F16, wrong...)
			e := formatError(t, openError(model(t, config, w)), "m/model.safetensors", "tensor "+name, fmt.Sprint(wrong), fmt.Sprint(shape))
			if !strings.HasSuffix(name, "conv1d.weight") || axis != 1 {
				require.NotEmpty(t, e.Field)
			}
		}
		w := random(t, config, checkpoint.F16)
		w.put(t, rng, name, checkpoint.F16, append([]int{1}, shape...)...)
		formatError(t, openError(model(t, config, w)), "tensor "+name)
		w.put(t, rng, name, checkpoint.F64, shape...)
		formatError(t, openError(model(t, config, w)), "tensor "+name, "dtype F64", "F32, F16 or BF16")
	}
}

// TestConfigDisagrees changes each size of the configuration.
func TestConfigDisagrees(t *testing.T) {
	right := odd()
	w := random(t, right, checkpoint.F32)
	for field, change := range map[string]func(*checkpoint.Config){
		"hidden_size":                     func(c *checkpoint.Config) { c.DModel++ },
		"intermediate_size (twice)":       func(c *checkpoint.Config) { c.DInner++ },
		"time_step_rank + 2 state_size":   func(c *checkpoint.Config) { c.DState++ },
		"conv_kernel":                     func(c *checkpoint.Config) { c.DConv++ },
		"time_step_rank + 2 state_size: ": func(c *checkpoint.Config) { c.DTRank++ },
		"vocab_size":                      func(c *checkpoint.Config) { c.VocabSize++ },
		"num_hidden_layers":               func(c *checkpoint.Config) { c.NLayer-- },
	} {
		wrong := right
		change(&wrong)
		formatError(t, openError(model(t, wrong, w)), "m/model.safetensors", "tensor ", "config field "+field)
	}
	wrong := right
	wrong.NLayer++
	formatError(t, openError(model(t, wrong, w)), "tensor backbone.layers.3.norm.weight", "no such tensor")
	wrong = right // R + 2N is the same: the next tensor shows it
	wrong.DTRank, wrong.DState = 5, 6
	formatError(t, openError(model(t, wrong, w)), "tensor backbone.layers.0.mixer.dt_proj.weight", "time_step_rank")
}

func TestOtherTensors(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	config := odd()
	with := func(name string) fstest.MapFS {
		w := random(t, config, checkpoint.F32)
		w.put(t, rng, name, checkpoint.F64, 2)
		return model(t, config, w)
	}
	for _, name := range []string{"step", "backbone.extra", "backbone.layers.0.mixer.extra", "backbone.layers.x.y", "backbone.layers.", "backbone.layers..x"} {
		require.NoError(t, openError(with(name)), name)
	}
	for _, layer := range []string{"3", "99999999999999999999"} {
		formatError(t, openError(with("backbone.layers."+layer+".norm.weight")), "backbone.layers."+layer, "num_hidden_layers", "layers 0 to 2")
	}
	for _, name := range []string{"backbone.norm_f.bias", "lm_head.bias", "backbone.layers.1.norm.bias"} {
		unsupported(t, openError(with(name)), "tensor "+name)
	}
}

// sharded is a model in two files: the layers 0 and 1, and the rest.
func sharded(t testing.TB) (fstest.MapFS, weights) {
	config := odd()
	w := random(t, config, checkpoint.BF16)
	first := func(name string) bool {
		return strings.Contains(name, "layers.0.") || strings.Contains(name, "layers.1.")
	}
	index := `{"metadata":{"total_size":1},"weight_map":{`
	separator := ""
	for name := range config.Shapes() {
		shard := "two.safetensors"
		if first(name) {
			shard = "one.safetensors"
		}
		index += fmt.Sprintf("%s%q:%q", separator, name, shard)
		separator = ","
	}
	return fstest.MapFS{
		"m/config.json":                  hfConfig(t, config),
		"m/model.safetensors.index.json": text(index + "}}"),
		"m/one.safetensors":              w.file(t, first),
		"m/two.safetensors":              w.file(t, func(name string) bool { return !first(name) }),
	}, w
}

func TestSharded(t *testing.T) {
	const index = "m/model.safetensors.index.json"
	fsys, w := sharded(t)
	c := open(t, fsys)
	require.Len(t, c.Names(), len(w))
	x, err := c.Tensor("backbone.layers.1.mixer.D")
	require.NoError(t, err)
	require.Equal(t, "m/one.safetensors", x.Path())

	whole := string(fsys[index].Data)
	change := func(from, to string) error {
		fsys[index] = text(strings.Replace(whole, from, to, 1))
		defer func() { fsys[index] = text(whole) }()
		return openError(fsys)
	}
	for _, bad := range []string{"../one.safetensors", "/one.safetensors", "a/../../x", ".", "", `..\\x`, "C:x", "./one.safetensors"} {
		formatError(t, change(`"one.safetensors"`, `"`+bad+`"`), index, "tensor backbone.layers.0.norm.weight", "inside the model's folder")
	}
	formatError(t, change(`"one.safetensors"`, `3`), index, "file name 3")
	formatError(t, change(`"one.safetensors"`, `"two.safetensors"`), "m/two.safetensors", "tensor backbone.layers.0.norm.weight", "no such tensor")
	formatError(t, change(`"weight_map"`, `"map"`), index, "weight_map", "got nothing")
	formatError(t, change(`"weight_map":{`, `"weight_map":{"backbone.norm_f.weight":"x",`), index, "twice")
	formatError(t, change(whole, `{"weight_map":{}}`), index, "no tensors")
	formatError(t, change(whole, `{"weight_map":[]}`), index, "weight_map", "not an object")
	formatError(t, change(whole, `{`), index, "invalid JSON")

	err = change(`"one.safetensors"`, `"three.safetensors"`)
	require.ErrorIs(t, err, fs.ErrNotExist)
	hasParts(t, err, []string{"m/three.safetensors", "index.json"})

	two := fsys["m/two.safetensors"]
	fsys["m/two.safetensors"] = w.file(t, func(name string) bool { return !strings.Contains(name, "layers.1.") })
	formatError(t, openError(fsys), "m/two.safetensors", "tensor backbone.layers.0.", "m/one.safetensors", "one file")
	fsys["m/two.safetensors"] = &fstest.MapFile{Data: two.Data[:len(two.Data)-1]}
	formatError(t, openError(fsys), "m/two.safetensors", "1 bytes are missing")
}

func TestShardedOnDisk(t *testing.T) {
	fsys, w := sharded(t)
	dir := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(dir, fsys))
	c, err := checkpoint.Open(filepath.Join(dir, "m"))
	require.NoError(t, err)
	require.Len(t, c.Names(), len(w))
	x, err := c.Tensor("backbone.layers.0.mixer.A_log")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "m", "one.safetensors"), x.Path())
	require.NoError(t, c.Close())
}

func TestNoModel(t *testing.T) {
	dir := t.TempDir()
	_, err := checkpoint.Open(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	hasParts(t, err, []string{filepath.Join(dir, "none")})
	_, err = checkpoint.Open("")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = checkpoint.Open(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	hasParts(t, err, []string{dir, "empty", "config.json"})

	file := filepath.Join(dir, "model.safetensors")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = checkpoint.Open(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	hasParts(t, err, []string{filepath.Join(dir, "config.json")})
	_, err = checkpoint.Open(file)
	formatError(t, err, file, "a file", "a folder")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), hfConfig(t, odd()).Data, 0o600))
	_, err = checkpoint.Open(dir)
	formatError(t, err, file, "8 bytes are missing")
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.Mkdir(file, 0o700))
	_, err = checkpoint.Open(dir)
	formatError(t, err, file, "no regular file")

	_, err = checkpoint.OpenFS(fstest.MapFS{}, "m")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = checkpoint.OpenFS(fstest.MapFS{}, "../m")
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = checkpoint.OpenFS(fstest.MapFS{"m": text("")}, "m")
	formatError(t, err, "m: ", "a file")

	fsys := fstest.MapFS{"m/config.json": hfConfig(t, odd()), "m/weights.safetensors": text("")}
	err = openError(fsys)
	require.ErrorIs(t, err, fs.ErrNotExist)
	hasParts(t, err, []string{"m: ", "model.safetensors.index.json", "there is weights.safetensors"})
}

func TestWeightsRefused(t *testing.T) {
	for _, c := range []struct {
		files []string
		parts []string
	}{
		{[]string{"pytorch_model.bin"}, []string{"m/pytorch_model.bin", "pickle", `"pytorch_model.bin"`, "save_file", "clone", "lm_head"}},
		{[]string{"training_args.bin", "pytorch_model-1.bin", "pytorch_model-2.bin", "pytorch_model.bin.index.json"}, []string{`["pytorch_model-1.bin", "pytorch_model-2.bin"]`}},
		{[]string{"pytorch_model-1.bin", "pytorch_model-2.bin", "pytorch_model-3.bin", "pytorch_model-4.bin", "pytorch_model-5.bin"}, []string{"glob"}},
		{[]string{"pytorch_model.bin.index.json"}, []string{"list of PyTorch pickles"}},
		{[]string{"weights.pt"}, []string{"m/weights.pt", `"weights.pt"`}},
		{[]string{"model.gguf"}, []string{"m/model.gguf", "GGUF"}},
	} {
		fsys := fstest.MapFS{"m/config.json": hfConfig(t, odd())}
		for _, name := range c.files {
			fsys["m/"+name] = text("")
		}
		unsupported(t, openError(fsys), c.parts...)
	}
	err := openError(fstest.MapFS{"m/config.json": hfConfig(t, odd()), "m/training_args.bin": text("")})
	require.ErrorIs(t, err, fs.ErrNotExist)
	unsupported(t, openError(fstest.MapFS{"m/x.gguf": text("")}), "m/x.gguf", "GGUF")
	for name, part := range map[string]string{"x.gguf": "GGUF", "pytorch_model.bin": "save_file"} {
		_, err := checkpoint.OpenFS(fstest.MapFS{name: text("")}, name)
		unsupported(t, err, name, part)
	}
}

// plainFS hides ReadAt of its files.
type plainFS struct{ fs.FS }

func (p plainFS) Open(name string) (fs.File, error) {
	f, err := p.FS.Open(name)
	if _, ok := f.(fs.ReadDirFile); err != nil || ok {
		return f, err
	}
	return struct{ fs.File }{f}, nil
}

func TestPlainFS(t *testing.T) {
	config := odd()
	w := random(t, config, checkpoint.F16)
	c, err := checkpoint.OpenFS(plainFS{model(t, config, w)}, "m")
	require.NoError(t, err)
	x, err := c.Tensor("backbone.layers.2.mixer.D")
	require.NoError(t, err)
	raw := make([]byte, x.Bytes())
	_, _ = x.ReadAt(raw, 0)
	require.Equal(t, w[x.Name].Data, raw)
	require.NoError(t, c.Close())
}
