package train

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

var ctx = context.Background()

// gpu is the device that all tests share.
var gpu = sync.OnceValues(func() (*wgpu.Device, error) {
	return wgpu.Open(&wgpu.Options{Notices: io.Discard})
})

// device is a GPU. The test is skipped for want of one, unless
// MAMBAGPU_REQUIRE_GPU is set.
func device(t testing.TB) *wgpu.Device {
	t.Helper()
	dev, err := gpu()
	if errors.Is(err, wgpu.ErrNoAdapter) && os.Getenv("MAMBAGPU_REQUIRE_GPU") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	return dev
}

// onBackends runs a test with the options that choose each backend.
func onBackends(t *testing.T, test func(t *testing.T, opts Options)) {
	t.Helper()
	t.Run("go", func(t *testing.T) { test(t, Options{Adapter: mamba.GoAdapter}) })
	t.Run("gpu", func(t *testing.T) { test(t, Options{Device: device(t)}) })
}

// The sizes of tests: whole vectors, and none of them a multiple of anything.
func evenConfig() mamba.ModelConfig {
	return mamba.ModelConfig{
		DModel: 16, NLayer: 2, DInner: 32, DState: 16, DConv: 4, DTRank: 1, VocabSize: 64, NormEps: 1e-5,
		Tied: true, UseConvBias: true, Layout: checkpoint.HuggingFace,
	}
}

func oddConfig() mamba.ModelConfig {
	return mamba.ModelConfig{
		DModel: 18, NLayer: 3, DInner: 36, DState: 5, DConv: 3, DTRank: 3, VocabSize: 37, NormEps: 1e-5,
		UseBias: true, UseConvBias: true, Layout: checkpoint.HuggingFace,
	}
}

// lively are initial values whose gradients are all of a size to be measured: large
// projections, step sizes near 1, biases and gains off their usual places.
func lively(t testing.TB, c mamba.ModelConfig, seed uint64) func(name string) ([]float32, error) {
	t.Helper()
	values, err := mamba.InitialValues(c, seed)
	require.NoError(t, err)
	return func(name string) ([]float32, error) {
		v, err := values(name)
		rng := rand.New(rand.NewPCG(seed, uint64(len(name))))
		for i := range v {
			switch {
			case strings.HasSuffix(name, "dt_proj.bias"):
				v[i] = float32(0.5 * rng.NormFloat64())
			case strings.HasSuffix(name, "A_log"):
				v[i] = float32(0.7 * rng.NormFloat64())
			case strings.HasSuffix(name, "embeddings.weight"), strings.HasSuffix(name, "lm_head.weight"):
				v[i] = float32(0.3 * rng.NormFloat64())
			case strings.HasSuffix(name, "proj.weight"):
				v[i] *= 2
			default:
				v[i] += float32(0.2 * rng.NormFloat64())
			}
		}
		return v, err
	}
}

// newTrainer is a trainer of lively values that ends with the test.
func newTrainer(t testing.TB, c mamba.ModelConfig, opts Options) *Trainer {
	t.Helper()
	tr, err := NewFrom(c, lively(t, c, 1), &opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, tr.Close()) })
	return tr
}

// randomBatch is rows of length+1 tokens, some of them frequent.
func randomBatch(c mamba.ModelConfig, rows, length int, seed uint64) Batch {
	rng := rand.New(rand.NewPCG(seed, 7))
	ids := make([]uint32, rows*(length+1))
	for i := range ids {
		u := rng.Float64()
		ids[i] = uint32(u * u * float64(c.VocabSize))
	}
	return Batch{IDs: ids}
}

// tensors reads what read gives of every parameter.
func tensors(t testing.TB, tr *Trainer, read func(name string) ([]float32, error)) map[string][]float32 {
	t.Helper()
	all := map[string][]float32{}
	for _, p := range tr.Parameters() {
		v, err := read(p.Name)
		require.NoError(t, err)
		all[p.Name] = v
	}
	return all
}

// requireClose compares tensors: differences may be rel times a tensor's largest
// value, and abs.
func requireClose(t testing.TB, want, got map[string][]float32, rel, abs float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for name, w := range want {
		g := got[name]
		require.Len(t, g, len(w), name)
		var largest, diff float64
		for i := range w {
			largest = math.Max(largest, math.Abs(float64(w[i])))
			if d := math.Abs(float64(w[i]) - float64(g[i])); !(d <= diff) {
				diff = d
			}
		}
		require.LessOrEqual(t, diff, rel*largest+abs, "%s, of %g at most", name, largest)
	}
}
