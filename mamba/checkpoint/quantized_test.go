package checkpoint_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

const (
	inProj  = "backbone.layers.1.mixer.in_proj.weight"
	outProj = "backbone.layers.2.mixer.out_proj.weight"
)

// quantized is a model's tensors with integers and scales that are sound.
func quantized(t testing.TB, c checkpoint.Config) weights {
	rng := rand.New(rand.NewPCG(3, 4))
	w := weights{}
	for s := range c.Tensors() {
		switch s.DType {
		case checkpoint.I8, checkpoint.U8:
			data := bytes.Repeat([]byte{0x88}, s.Shape[0]*s.Shape[1]) // -120, or twice zero
			w[s.Name] = checkpoint.NamedData{Name: s.Name, DType: s.DType, Shape: s.Shape, Data: data}
		case 0:
			w.put(t, rng, s.Name, checkpoint.F32, s.Shape...)
		default:
			n := 1
			for _, d := range s.Shape {
				n *= d
			}
			data, err := checkpoint.Encode(s.DType, slices.Repeat([]float32{0.25}, n))
			require.NoError(t, err)
			w[s.Name] = checkpoint.NamedData{Name: s.Name, DType: s.DType, Shape: s.Shape, Data: data}
		}
	}
	return w
}

func oddQuantized(bits int) checkpoint.Config {
	c := odd()
	c.Bits = bits
	return c
}

func TestOpenQuantized(t *testing.T) {
	for _, tied := range []bool{true, false} {
		for bits, want := range map[int]map[string]string{
			8: {inProj: "I8 [44 10]", inProj + "_scale": "F32 [44]", outProj: "I8 [10 22]"},
			4: {inProj: "U8 [44 16]", inProj + "_scale": "F16 [44 1]", outProj: "U8 [10 16]", "backbone.embeddings.weight_scale": "F16 [13 1]"},
		} {
			config := oddQuantized(bits)
			config.Tied = tied
			c := open(t, model(t, config, quantized(t, config)))
			require.Equal(t, config, c.Config)
			for name, shape := range want {
				x, err := c.Tensor(name)
				require.NoError(t, err)
				require.Equal(t, shape, fmt.Sprint(x.DType, " ", x.Shape), name)
			}
			require.Contains(t, c.Names(), "backbone.embeddings.weight_scale")
			require.Equal(t, !tied, slices.Contains(c.Names(), "lm_head.weight_scale"))
			require.Equal(t, odd().Parameters(), func() int64 { d := config; d.Tied = true; return d.Parameters() }())
			for _, float := range []string{"backbone.layers.0.mixer.dt_proj.weight", "backbone.layers.0.mixer.conv1d.weight"} {
				x, err := c.Tensor(float)
				require.NoError(t, err)
				require.Equal(t, checkpoint.F32, x.DType)
				require.NotContains(t, c.Names(), float+"_scale")
			}
		}
	}
	wide := oddQuantized(4)
	wide.DModel, wide.DInner = 33, 64
	c := open(t, model(t, wide, quantized(t, wide)))
	x, err := c.Tensor(inProj)
	require.NoError(t, err)
	require.Equal(t, []int{128, 32}, x.Shape) // two groups of 32 columns
}

func TestOpenQuantizedSharded(t *testing.T) {
	c := oddQuantized(8)
	w := quantized(t, c)
	where := map[string]string{}
	isScale := func(name string) bool { return strings.HasSuffix(name, "_scale") }
	for name := range w {
		where[name] = map[bool]string{true: "scales.safetensors", false: "rest.safetensors"}[isScale(name)]
	}
	index, err := json.Marshal(map[string]any{"weight_map": where})
	require.NoError(t, err)
	fsys := fstest.MapFS{
		"m/config.json": hfConfig(t, c), "m/model.safetensors.index.json": text(string(index)),
		"m/scales.safetensors": w.file(t, isScale),
		"m/rest.safetensors":   w.file(t, func(name string) bool { return !isScale(name) }),
	}
	require.Equal(t, c, open(t, fsys).Config)
}

func TestOpenQuantizedRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		bits   int
		change func(w weights)
		want   []string
	}{
		"no scales": {8, func(w weights) { delete(w, inProj+"_scale") },
			[]string{"m/model.safetensors: tensor " + inProj + "_scale: got no such tensor, want F32 of shape [44]"}},
		"no integers": {4, func(w weights) { delete(w, inProj) },
			[]string{"tensor " + inProj + ": got no such tensor, want U8 of shape [44 16]"}},
		"floats": {8, func(w weights) { w.put(t, rand.New(rand.NewPCG(1, 1)), inProj, checkpoint.F16, 44, 10) },
			[]string{"tensor " + inProj + ": got dtype F16, want I8"}},
		"integers without sign": {8, func(w weights) { x := w[inProj]; x.DType = checkpoint.U8; w[inProj] = x },
			[]string{"got dtype U8, want I8"}},
		"scales of the other bits": {4, func(w weights) { w.put(t, rand.New(rand.NewPCG(1, 1)), inProj+"_scale", checkpoint.F32, 44, 1) },
			[]string{"tensor " + inProj + "_scale: got dtype F32, want F16"}},
		"scales of a column": {8, func(w weights) { w.put(t, rand.New(rand.NewPCG(1, 1)), inProj+"_scale", checkpoint.F32, 10) },
			[]string{"config field intermediate_size (twice): got shape [10], want shape [44]"}},
		"one integer a byte": {4, func(w weights) {
			x := w[inProj]
			x.Shape, x.Data = []int{44, 32}, slices.Repeat(x.Data, 2)
			w[inProj] = x
		}, []string{"config field hidden_size: got shape [44 32], want shape [44 16]"}},
		"scales of floats": {8, func(w weights) {
			w.put(t, rand.New(rand.NewPCG(1, 1)), "backbone.layers.0.mixer.dt_proj.weight_scale", checkpoint.F32, 22)
		}, []string{"tensor backbone.layers.0.mixer.dt_proj.weight_scale: got scales, want none"}},
		"a head beside a tied one": {8, func(w weights) {
			w.put(t, rand.New(rand.NewPCG(1, 1)), "lm_head.weight", checkpoint.F32, 13, 10)
		}, []string{"tensor lm_head.weight: got this tensor, want none"}},
		"scales of a head that is tied": {8, func(w weights) {
			w.put(t, rand.New(rand.NewPCG(1, 1)), "lm_head.weight_scale", checkpoint.F32, 13)
		}, []string{"tensor lm_head.weight_scale: got scales, want none"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := quantized(t, oddQuantized(c.bits))
			c.change(w)
			formatError(t, openError(model(t, oddQuantized(c.bits), w)), c.want...)
		})
	}
	// The same files, called a model of floats.
	formatError(t, openError(model(t, odd(), quantized(t, oddQuantized(8)))), "got dtype I8, want F32, F16 or BF16")
	w := random(t, odd(), checkpoint.F32)
	w.put(t, rand.New(rand.NewPCG(1, 1)), inProj+"_scale", checkpoint.F32, 44)
	formatError(t, openError(model(t, odd(), w)), "tensor "+inProj+"_scale: got scales, want none")
}

func TestQuantizationConfig(t *testing.T) {
	parse := func(q string) error {
		data, err := checkpoint.HuggingFaceConfig(odd())
		require.NoError(t, err)
		_, err = checkpoint.ParseConfig("c", []byte(strings.TrimSuffix(string(data), "\n}\n")+",\n\"quantization_config\": "+q+"}"))
		return err
	}
	require.NoError(t, parse(`null`))
	require.NoError(t, parse(`{"quant_method":"mambagpu","bits":4,"group_size":32}`))
	require.NoError(t, parse(`{"quant_method":"mambagpu","bits":8,"group_size":-1}`))
	for q, want := range map[string]string{
		`7`: "config field quantization_config: got 7, want an object",
		`{"quant_method":"mambagpu","group_size":32}`:                   "quantization_config.bits: got nothing",
		`{"quant_method":"mambagpu","bits":5,"group_size":32}`:          "quantization_config.bits: got 5, want 8 or 4",
		`{"quant_method":"mambagpu","bits":"8","group_size":-1}`:        `quantization_config.bits: got "8"`,
		`{"quant_method":"mambagpu","bits":4,"group_size":64}`:          "quantization_config.group_size: got 64, want 32",
		`{"quant_method":"mambagpu","bits":8,"group_size":32}`:          "quantization_config.group_size: got 32, want -1",
		`{"quant_method":"mambagpu","bits":8}`:                          "quantization_config.group_size: got nothing, want -1",
		`{"quant_method":"mambagpu","bits":8,"bits":4,"group_size":-1}`: "quantization_config: got",
		`{"quant_method":1,"bits":8,"group_size":-1}`:                   "quantization_config.quant_method: got 1, want a string",
	} {
		formatError(t, parse(q), want)
	}
	for _, q := range []string{`{"quant_method":"gptq","bits":4,"group_size":32}`, `{"bits":4}`} {
		unsupported(t, parse(q), "quantization_config with quant_method", "mambagpu quantize")
	}
	_, err := checkpoint.ParseConfig("c", []byte(strings.TrimSuffix(strings.TrimSpace(originalBase), "}")+`,"quantization_config":{"quant_method":"mambagpu","bits":8,"group_size":-1}}`))
	formatError(t, err, "config field quantization_config", "want none")
	_, err = checkpoint.HuggingFaceConfig(oddQuantized(3))
	formatError(t, err, "quantization_config.bits: got 3")
}

// TestQuantizedConfig checks that a configuration keeps what it does not concern,
// and that its booleans become those of the tensors.
func TestQuantizedConfig(t *testing.T) {
	fsys := model(t, odd(), random(t, odd(), checkpoint.F32))
	fsys["m/config.json"] = text(`{"my \u00fcber field": [1, {"a": null}], "use_bias": true, "model_type": "mamba",
		"quantization_config": null, "hidden_size": 10, "num_hidden_layers": 3, "intermediate_size": 22, "state_size": 5,
		"conv_kernel": 3, "time_step_rank": 7, "vocab_size": 13, "layer_norm_epsilon": 1e-6, "eos_token_id": 2}`)
	data, err := open(t, fsys).QuantizedConfig(4)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(data), "{\n  \"my über field\": [\n    1,\n"), string(data))
	require.True(t, strings.HasSuffix(string(data), "\"group_size\": 32\n  }\n}\n"), string(data))
	c, err := checkpoint.ParseConfig("c", data)
	require.NoError(t, err)
	require.Equal(t, oddQuantized(4), c)

	original := odd()
	original.DInner, original.Layout, original.NormEps, original.EOS = 20, checkpoint.Original, 1e-5, nil
	w := random(t, original, checkpoint.F32)
	w.rename("backbone.embeddings.weight", "backbone.embedding.weight")
	fsys = fstest.MapFS{"m/model.safetensors": w.file(t, nil), "m/config.json": text(
		`{"d_model":10,"n_layer":3,"vocab_size":13,"pad_vocab_size_multiple":1,"ssm_cfg":{"d_state":5,"d_conv":3,"dt_rank":7}}`)}
	data, err = open(t, fsys).QuantizedConfig(8)
	require.NoError(t, err)
	c, err = checkpoint.ParseConfig("c", data)
	require.NoError(t, err)
	original.Layout, original.Bits = checkpoint.HuggingFace, 8
	require.Equal(t, original, c)
}

func memoryTensor(t testing.TB, d checkpoint.DType, data []byte, shape ...int) *checkpoint.Tensor {
	x, err := checkpoint.NewTensor("f", "w", d, shape, bytes.NewReader(data))
	require.NoError(t, err)
	return x
}

func TestCheckIntegers(t *testing.T) {
	row := []byte{1, 0xff, 127, 0x81, 0}
	x := memoryTensor(t, checkpoint.I8, row, 1, 5)
	require.NoError(t, checkpoint.CheckIntegers(x, slices.Repeat(row, 3), 5, 0))
	bad := slices.Repeat(row, 3)
	bad[7] = 0x80
	formatError(t, checkpoint.CheckIntegers(x, bad, 5, 10), "f: tensor w: got -128 in row 11, column 2, want -127 to 127")

	const cols = 38 // the second group of 32 has six columns and 26 zeros
	x = memoryTensor(t, checkpoint.U8, nil, 2, 32)
	for col := range 64 {
		rows := bytes.Repeat([]byte{0x88}, 64)
		at := 32 + col/8*4 + col%4 // of the second row
		rows[at] ^= byte(1) << (col % 8 / 4 * 4)
		err := checkpoint.CheckIntegers(x, rows, cols, 0)
		if col < cols {
			require.NoError(t, err, col)
		} else {
			formatError(t, err, fmt.Sprintf("got 9 in row 1, column %d, want 8", col))
		}
	}
	require.NoError(t, checkpoint.CheckIntegers(x, bytes.Repeat([]byte{0x5a}, 64), 64, 0))
}

func TestCheckScales(t *testing.T) {
	nan, inf, zero := float32(math.NaN()), float32(math.Inf(1)), float32(math.Copysign(0, -1))
	for _, c := range []struct {
		d    checkpoint.DType
		v    float32
		want string
	}{
		{checkpoint.F32, 0, ""}, {checkpoint.F32, 1e-44, ""}, {checkpoint.F32, 2.67e36, ""},
		{checkpoint.F32, nan, "NaN at element 8"}, {checkpoint.F32, inf, "+Inf at element 8"},
		{checkpoint.F32, zero, "the scale -0 at element 8, want 0 or more"}, {checkpoint.F32, -1, "the scale -1 at element 8"},
		{checkpoint.F32, 2.68e36, "the scale 2.68e+36 at element 8, want a number whose 127-fold is finite"},
		{checkpoint.F16, 0, ""}, {checkpoint.F16, -65504, ""}, {checkpoint.F16, 6e-8, ""},
		{checkpoint.F16, nan, "NaN at element 8"}, {checkpoint.F16, -inf, "-Inf at element 8"},
		{checkpoint.F16, zero, "the scale -0 at element 8"},
	} {
		raw, err := checkpoint.Encode(c.d, []float32{1, c.v})
		require.NoError(t, err)
		err = checkpoint.CheckScales(memoryTensor(t, c.d, raw, 2), raw, 7)
		if c.want == "" {
			assert.NoError(t, err, "%v %v", c.d, c.v)
		} else {
			formatError(t, err, "f: tensor w: got "+c.want)
		}
	}
}

// TestLayOut writes a file by its layout, tensors in any order, and compares it with
// the one that is written at once.
func TestLayOut(t *testing.T) {
	w := quantized(t, oddQuantized(4))
	want := w.file(t, nil).Data
	var shapes []checkpoint.NamedShape
	for _, name := range slices.Sorted(maps.Keys(w)) {
		shapes = append(shapes, checkpoint.NamedShape{Name: name, DType: w[name].DType, Shape: w[name].Shape})
	}
	l, err := checkpoint.LayOut(shapes, map[string]string{"format": "pt"})
	require.NoError(t, err)
	got := make([]byte, len(want))
	copy(got, l.Header)
	for _, p := range slices.Backward(l.Places) {
		require.Equal(t, p.Bytes, int64(copy(got[p.Offset:], w[p.Name].Data)))
	}
	require.True(t, bytes.Equal(want, got))
	_, err = checkpoint.LayOut([]checkpoint.NamedShape{{Name: "a", DType: checkpoint.F32, Shape: []int{-1}}}, nil)
	formatError(t, err, "tensor a")
}

func TestNewTensor(t *testing.T) {
	x := memoryTensor(t, checkpoint.F16, binary.LittleEndian.AppendUint16(nil, 0x3c00), 1)
	v, err := x.Float32(nil)
	require.NoError(t, err)
	require.Equal(t, []float32{1}, v)
	for _, shape := range [][]int{{-1}, {math.MaxInt, 2}} {
		_, err = checkpoint.NewTensor("f", "w", checkpoint.F32, shape, nil)
		formatError(t, err, "f: tensor w: got F32 of shape")
	}
	_, err = checkpoint.NewTensor("f", "w", 0, nil, nil)
	formatError(t, err, "tensor w")
}

func TestFS(t *testing.T) {
	fsys := model(t, odd(), random(t, odd(), checkpoint.F32))
	data, err := fs.ReadFile(open(t, fsys).FS(), "config.json")
	require.NoError(t, err)
	require.Equal(t, fsys["m/config.json"].Data, data)
	c, err := checkpoint.Open(reference)
	require.NoError(t, err)
	defer c.Close()
	_, err = fs.Stat(c.FS(), "tokenizer.json")
	require.NoError(t, err)
}
