package mamba

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

// reference is the folder of the reference model.
const reference = "../testdata/reference-lm"

var ctx = context.Background()

// The reference model on each backend, loaded once.
var (
	onGo  = sync.OnceValues(func() (*Model, error) { return Load(reference, &Options{Adapter: GoAdapter}) })
	onGPU = sync.OnceValues(func() (*Model, error) {
		if _, err := gpu(); err != nil { // Load would take the Go backend
			return nil, err
		}
		return Load(reference, &Options{Notices: io.Discard})
	})
	onDefaultLimits = sync.OnceValues(func() (*Model, error) {
		low := wgpu.DefaultLimits()
		dev, err := wgpu.Open(&wgpu.Options{Limits: &low, Notices: io.Discard})
		if err != nil {
			return nil, err
		}
		return Load(reference, &Options{Device: dev})
	})
)

// gpu is the device that small models share.
var gpu = sync.OnceValues(func() (*wgpu.Device, error) {
	return wgpu.Open(&wgpu.Options{Notices: io.Discard})
})

// need skips a test for want of an adapter, unless MAMBAGPU_REQUIRE_GPU is
// set, and ends it for any other error.
func need(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, wgpu.ErrNoAdapter) && os.Getenv("MAMBAGPU_REQUIRE_GPU") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
}

// onBackends runs a test of the reference model on the Go backend and on a
// GPU.
func onBackends(t *testing.T, test func(t *testing.T, m *Model)) {
	t.Helper()
	onModel(t, "go", onGo, test)
	onModel(t, "gpu", onGPU, test)
}

// onAll is onBackends and once more with WebGPU's default limits.
func onAll(t *testing.T, test func(t *testing.T, m *Model)) {
	t.Helper()
	onBackends(t, test)
	onModel(t, "default limits", onDefaultLimits, test)
}

func onModel(t *testing.T, name string, load func() (*Model, error), test func(t *testing.T, m *Model)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		m, err := load()
		need(t, err)
		used := usedSlots(m)
		test(t, m)
		require.Equal(t, used, usedSlots(m), "states left open")
	})
}

func usedSlots(m *Model) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, used := range m.used {
		if used {
			n++
		}
	}
	return n
}

// withOptions runs a test with the options that choose each backend.
func withOptions(t *testing.T, test func(t *testing.T, opts Options)) {
	t.Helper()
	t.Run("go", func(t *testing.T) { test(t, Options{Adapter: GoAdapter}) })
	t.Run("gpu", func(t *testing.T) { test(t, Options{Device: device(t)}) })
}

func device(t testing.TB) *wgpu.Device {
	t.Helper()
	dev, err := gpu()
	need(t, err)
	return dev
}

// lowDevice is a device whose bindings have few bytes.
func lowDevice(t testing.TB, binding uint64) *wgpu.Device {
	t.Helper()
	low := wgpu.DefaultLimits()
	low.MaxStorageBinding = binding
	dev, err := wgpu.Open(&wgpu.Options{Limits: &low, Notices: io.Discard})
	need(t, err)
	t.Cleanup(func() { dev.Close() })
	return dev
}

// tiny is a small model's architecture, with no two sizes equal.
func tiny() ModelConfig {
	return ModelConfig{
		Layout: checkpoint.HuggingFace, DModel: 12, NLayer: 2, DInner: 24, DState: 5, DConv: 4, DTRank: 3,
		VocabSize: 41, NormEps: 1e-5, Tied: true, UseConvBias: true,
	}
}

func newTiny(t testing.TB, opts Options) *Model {
	t.Helper()
	return open(t, writeModel(t, tiny(), nil), opts)
}

func open(t testing.TB, dir string, opts Options) *Model {
	t.Helper()
	m, err := Load(dir, &opts)
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// tensors are a model's tensors by name, to be changed before they are
// written.
type tensors map[string]checkpoint.NamedData

func (w tensors) set(t testing.TB, name string, d checkpoint.DType, shape []int, values []float32) {
	data, err := checkpoint.Encode(d, values)
	require.NoError(t, err)
	w[name] = checkpoint.NamedData{Name: name, DType: d, Shape: shape, Data: data}
}

// poke sets one element of a tensor of float32.
func (w tensors) poke(t testing.TB, name string, i int, v float32) {
	x, ok := w[name]
	require.True(t, ok, name)
	data, err := checkpoint.Encode(x.DType, []float32{v})
	require.NoError(t, err)
	copy(x.Data[i*len(data):], data)
}

func (w tensors) write(t testing.TB, file string, keep func(name string) bool) {
	var list []checkpoint.NamedData
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if keep == nil || keep(name) {
			list = append(list, w[name])
		}
	}
	var b bytes.Buffer
	require.NoError(t, checkpoint.WriteSafetensors(&b, list, nil))
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o644))
}

// randomTensors are weights all of which matter: decays from slow to fast,
// steps from small to large, norms and D other than one, biases other than
// zero.
func randomTensors(t testing.TB, c ModelConfig, dtype func(name string) checkpoint.DType) tensors {
	w := tensors{}
	for name, shape := range c.Shapes() {
		h := fnv.New64a()
		h.Write([]byte(name))
		rng := rand.New(rand.NewPCG(7, h.Sum64()))
		fan := float64(shape[len(shape)-1])
		values := make([]float32, product(shape))
		for i := range values {
			x := rng.NormFloat64()
			switch {
			case strings.HasSuffix(name, "A_log"):
				x = math.Log(1+float64(i%c.DState)) + 0.3*x
			case strings.HasSuffix(name, "norm.weight"), strings.HasSuffix(name, "norm_f.weight"), strings.HasSuffix(name, ".D"):
				x = 1 + 0.3*x
			case strings.HasSuffix(name, "dt_proj.bias"):
				x = -2 + 1.5*x
			case strings.HasSuffix(name, ".bias"):
				x *= 0.3
			case strings.HasSuffix(name, "embeddings.weight"):
			default:
				x /= math.Sqrt(fan)
			}
			values[i] = float32(x)
		}
		d := checkpoint.F32
		if dtype != nil {
			d = dtype(name)
		}
		w.set(t, name, d, shape, values)
	}
	return w
}

// writeModel writes a folder of random weights, as change leaves them.
func writeModel(t testing.TB, c ModelConfig, change func(w tensors)) string {
	t.Helper()
	w := randomTensors(t, c, nil)
	if change != nil {
		change(w)
	}
	return writeFolder(t, c, w)
}

func writeFolder(t testing.TB, c ModelConfig, w tensors) string {
	t.Helper()
	dir := t.TempDir()
	data, err := checkpoint.HuggingFaceConfig(c)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644))
	w.write(t, filepath.Join(dir, "model.safetensors"), nil)
	return dir
}

func writeJSON(t testing.TB, file string, v any) {
	data, err := json.Marshal(v)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, data, 0o644))
}

// someIDs are n token ids of a model.
func someIDs(m *Model, n, seed int) []int {
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	ids := make([]int, n)
	for i := range ids {
		ids[i] = rng.IntN(m.config.VocabSize)
	}
	return ids
}

func newState(t testing.TB, m *Model) *State {
	t.Helper()
	s, err := m.NewState()
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func newStates(t testing.TB, m *Model, n int) []*State {
	t.Helper()
	states := make([]*State, n)
	for i := range states {
		states[i] = newState(t, m)
	}
	return states
}

func closeStates(states ...*State) {
	for _, s := range states {
		s.Close()
	}
}

func prefill(t testing.TB, m *Model, s *State, ids []int) []float32 {
	t.Helper()
	logits, err := m.Prefill(ctx, s, ids)
	require.NoError(t, err)
	return logits
}

// alone gives the logits of a sequence in a state of its own.
func alone(t testing.TB, m *Model, ids []int) []float32 {
	t.Helper()
	s, err := m.NewState()
	require.NoError(t, err)
	defer s.Close()
	return prefill(t, m, s, ids)
}

// relative is the largest difference relative to the largest wanted value.
func relative(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	worst, largest := 0.0, 0.0
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		worst, largest = max(worst, d), max(largest, math.Abs(float64(want[i])))
	}
	if worst == 0 {
		return 0
	}
	return worst / largest
}

// invariant is the tolerance of what is the same computation in another order.
const invariant = 1e-5

// errorsSeen keeps the worst error of a test.
type errorsSeen struct{ worst float64 }

// within requires got to be want within a tolerance.
func (e *errorsSeen) within(t testing.TB, tolerance float64, got, want []float32, msg ...any) {
	t.Helper()
	r := relative(got, want)
	e.worst = max(e.worst, r)
	require.LessOrEqual(t, r, tolerance, fmt.Sprint(msg...))
}

func (e *errorsSeen) log(t testing.TB) {
	t.Helper()
	t.Logf("largest error relative to the largest value %.2g", e.worst)
}

// argmaxOf is the place of the largest element.
func argmaxOf(v []float32) int {
	best := 0
	for i := range v {
		if v[i] > v[best] {
			best = i
		}
	}
	return best
}
