package bench

import (
	"context"
	"io"
	"io/fs"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
)

func tinySize() modelSize { return modelSize{"tiny", 2, 64} }

// The folder opens as a checkpoint of the architecture asked for, in the types
// asked for and with values of the sizes of the reference's initialisation.
func TestSyntheticCheckpoint(t *testing.T) {
	for _, dtype := range append(storageTypes, shaders.BF16) {
		config := withBits(tinySize().config(), dtype)
		files, err := newSynthetic(config, dtype)
		require.NoError(t, err)
		c, err := checkpoint.OpenFS(files, ".")
		require.NoError(t, err)
		require.Equal(t, config, c.Config)
		total := int64(0)
		largest := map[string]float64{}
		for _, name := range c.Names() {
			tensor, err := c.Tensor(name)
			require.NoError(t, err)
			total += tensor.Bytes()
			if tensor.DType == checkpoint.I8 || tensor.DType == checkpoint.U8 {
				require.True(t, dtype.Quantized() && checkpoint.IsMatrix(name), name)
				continue
			}
			values, err := tensor.Float32(nil)
			require.NoError(t, err)
			for _, v := range values {
				largest[name] = max(largest[name], math.Abs(float64(v)))
			}
		}
		spec := tinySize().spec(dtype)
		require.InDelta(t, spec.bytes, float64(total), 0)
		require.InDelta(t, math.Log(16), largest["backbone.layers.1.mixer.A_log"], 1e-6)
		require.InDelta(t, 1, largest["backbone.layers.0.mixer.D"], 0)
		const outProj = "backbone.layers.1.mixer.out_proj.weight"
		bound := math.Pow(128*2, -0.5)
		switch dtype {
		case shaders.Q8:
			require.InEpsilon(t, bound/127, largest[checkpoint.ScaleName(outProj)], 1e-3)
		case shaders.Q4:
			require.InEpsilon(t, bound/7, largest[checkpoint.ScaleName(outProj)], 1e-3)
		default:
			require.InEpsilon(t, bound, largest[outProj], 0.01)
		}
		require.NoError(t, c.Close())
	}
}

// Any window of the file has the same bytes as a whole read.
func TestSyntheticWindows(t *testing.T) {
	files, err := newSynthetic(tinySize().config(), shaders.F16)
	require.NoError(t, err)
	whole, err := fs.ReadFile(files, "model.safetensors")
	require.NoError(t, err)
	require.Len(t, whole, int(files.size))
	f, err := files.Open("model.safetensors")
	require.NoError(t, err)
	at := f.(io.ReaderAt)
	for _, n := range []int{1, 7, 4096, len(whole)} {
		for off := 0; off < len(whole); off += max(n, len(whole)/50) {
			p := make([]byte, n)
			got, err := at.ReadAt(p, int64(off))
			require.Equal(t, min(n, len(whole)-off), got)
			require.Equal(t, got < n, err == io.EOF)
			require.Equal(t, whole[off:off+got], p[:got])
		}
	}
	_, err = at.ReadAt(make([]byte, 1), int64(len(whole)))
	require.ErrorIs(t, err, io.EOF)
	_, err = files.Open("tokenizer.json")
	require.ErrorIs(t, err, fs.ErrNotExist)
	dir, err := files.Open(".")
	require.NoError(t, err)
	_, err = dir.Read(make([]byte, 1))
	require.ErrorIs(t, err, fs.ErrInvalid)
}

// Activations stay finite, and prefill agrees with steps, at every storage type.
func TestSyntheticModelRuns(t *testing.T) {
	for _, dtype := range storageTypes {
		spec := tinySize().spec(dtype)
		m, err := spec.open(nil, nil)
		require.NoError(t, err)
		require.NoError(t, checkModel(context.Background(), m))
		c := modelCase{name: decodeName, batch: 3, length: 1}
		short, err := c.generate(context.Background(), m, 2)
		require.NoError(t, err)
		us, used, err := c.decode(context.Background(), m, short, 5)
		require.NoError(t, err)
		require.Positive(t, us)
		require.Equal(t, cost{}, used) // the Go backend submits nothing
		c = modelCase{name: prefillName, batch: 2, length: 20}
		_, _, err = c.prefill(context.Background(), m)
		require.NoError(t, err)
		require.NoError(t, m.Close())
	}
}

// The time of a step begins where a submission does that has nothing of the first
// steps, else where the last one does that was seen to begin.
func TestStepsBetweenSubmissions(t *testing.T) {
	g := generated{
		came:     []float64{100, 110, 110, 120, 120, 120, 120},
		launched: []bool{true, true, false, true, false, false, false},
	}
	require.InDelta(t, 10.0/4, g.since(2), 1e-12) // from the end of step 2 to that of step 6
	require.InDelta(t, 20.0/6, g.since(1), 1e-12)
	require.InDelta(t, 10.0/4, g.since(5), 1e-12)
	require.InDelta(t, 120.0/7, g.step(), 1e-12)
}

// Model sizes are those that were published.
func TestPublishedSizes(t *testing.T) {
	want := map[string]float64{"130m": 129e6, "370m": 372e6, "790m": 793e6, "1.4b": 1.372e9, "2.8b": 2.768e9}
	for _, s := range modelSizes {
		c := s.config()
		require.InEpsilon(t, want[s.name], float64(c.Parameters()), 0.005, s.name)
		spec := s.spec(shaders.F32)
		require.InDelta(t, 4*float64(c.Parameters()), spec.bytes, 0)
		require.NotEmpty(t, spec.cases())
	}
	require.ErrorContains(t, (&Options{Sizes: []string{"7b"}}).Check(), `no model has size "7b"; there are 130m, `)
}
