package checkpoint_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// FuzzSafetensors opens any bytes: nothing panics, every tensor of a file that
// opens can be read, together they fill the data, and written again they are
// the same.
func FuzzSafetensors(f *testing.F) {
	for _, c := range headerCases {
		f.Add(raw(c.header, c.size))
	}
	config := odd()
	config.NLayer = 1
	f.Add([]byte(random(f, config, checkpoint.F16).file(f, nil).Data))
	f.Add(raw(`{"__metadata__":{"a":"1"},"z":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},"n":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}`, 8))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := openBytes(data)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		var tensors []checkpoint.NamedData
		for _, name := range file.Names() {
			x, ok := file.Tensor(name)
			require.True(t, ok)
			content := make([]byte, x.Bytes())
			n, _ := x.ReadAt(content, 0)
			require.Equal(t, len(content), n)
			if values, err := x.Float32(nil); err == nil {
				require.Len(t, values, x.Elements())
				_ = checkpoint.CheckFinite(x, content, 0)
			}
			tensors = append(tensors, checkpoint.NamedData{Name: name, DType: x.DType, Shape: x.Shape, Data: content})
		}
		var b bytes.Buffer
		require.NoError(t, checkpoint.WriteSafetensors(&b, tensors, file.Metadata()))
		again, err := openBytes(b.Bytes())
		require.NoError(t, err)
		require.Equal(t, file.Names(), again.Names())
	})
}

// FuzzConfig parses any bytes: nothing panics, and what parses is sane and
// comes back from the Hugging Face layout.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(hfBase))
	f.Add([]byte(originalBase))
	f.Add([]byte(`{"d_model":17,"n_layer":1,"vocab_size":8,"ssm_cfg":{"layer":"Mamba2","dt_rank":"auto","expand":1.5}}`))
	for _, bits := range []int{8, 4} {
		data, err := checkpoint.HuggingFaceConfig(oddQuantized(bits))
		require.NoError(f, err)
		f.Add(data)
	}
	if data, err := os.ReadFile(reference + "/config.json"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := checkpoint.ParseConfig("config.json", data)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Positive(t, c.Parameters())
		again, err := checkpoint.HuggingFaceConfig(c)
		require.NoError(t, err)
		got, err := checkpoint.ParseConfig("config.json", again)
		require.NoError(t, err)
		c.Layout = checkpoint.HuggingFace
		require.Equal(t, c, got)
	})
}

// FuzzIndex opens a sharded model with any index.
func FuzzIndex(f *testing.F) {
	fsys, _ := sharded(f)
	const index = "m/model.safetensors.index.json"
	f.Add([]byte(fsys[index].Data))
	f.Add([]byte(`{"weight_map":{"a":"../x"}}`))
	f.Add([]byte(`{"weight_map":{"a":"one.safetensors"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		mine := fstest.MapFS{index: &fstest.MapFile{Data: data}}
		for name, file := range fsys {
			if name != index {
				mine[name] = file
			}
		}
		if c, err := checkpoint.OpenFS(mine, "m"); err == nil {
			require.NoError(t, c.Close())
		}
	})
}

// FuzzQuantized opens a quantised model with any weights and with any
// quantization_config, and looks through the integers and scales of those that
// open.
func FuzzQuantized(f *testing.F) {
	for _, bits := range []int{8, 4} {
		c := oddQuantized(bits)
		c.NLayer = 1
		w := quantized(f, c)
		config := strings.TrimSpace(string(hfConfig(f, c).Data))
		f.Add([]byte(w.file(f, nil).Data), config)
		delete(w, "backbone.embeddings.weight_scale")
		f.Add([]byte(w.file(f, nil).Data), config)
	}
	f.Fuzz(func(t *testing.T, data []byte, config string) {
		c, err := checkpoint.OpenFS(fstest.MapFS{"m/config.json": text(config), "m/model.safetensors": &fstest.MapFile{Data: data}}, "m")
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		defer c.Close()
		floats := c.Config
		floats.Bits = 0
		for name, shape := range floats.Shapes() {
			if c.Config.Bits == 0 || !checkpoint.IsMatrix(name) {
				continue
			}
			for _, name := range []string{name, checkpoint.ScaleName(name)} {
				x, err := c.Tensor(name)
				require.NoError(t, err)
				raw := make([]byte, x.Bytes())
				_, err = io.ReadFull(io.NewSectionReader(x, 0, x.Bytes()), raw)
				require.NoError(t, err)
				if checkpoint.IsScale(name) {
					err = checkpoint.CheckScales(x, raw, 0)
				} else {
					err = checkpoint.CheckIntegers(x, raw, shape[1], 0)
				}
				if err != nil {
					require.NotEmpty(t, err.Error())
				}
			}
		}
	})
}
