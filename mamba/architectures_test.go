package mamba

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

// parity is the tolerance of the GPU's logits against the Go backend's, whose
// sums are float64.
const parity = 1e-5

// architectures are variations of tiny, each of one thing.
func architectures() map[string]ModelConfig {
	all := map[string]ModelConfig{}
	vary := func(name string, change func(c *ModelConfig)) {
		c := tiny()
		change(&c)
		all[name] = c
	}
	for _, n := range []int{1, 3, 17, 100, 256} {
		vary(fmt.Sprint("d_state ", n), func(c *ModelConfig) { c.DState = n })
	}
	for n := 2; n <= 8; n++ {
		vary(fmt.Sprint("d_conv ", n), func(c *ModelConfig) { c.DConv = n })
	}
	for _, n := range []int{5, 18, 33} {
		vary(fmt.Sprint("d_model ", n), func(c *ModelConfig) { c.DModel, c.DInner = n, 2*n })
	}
	vary("expand 1", func(c *ModelConfig) { c.DInner = c.DModel })
	vary("expand 3", func(c *ModelConfig) { c.DInner = 3 * c.DModel })
	for _, n := range []int{1, 5} {
		vary(fmt.Sprint("dt_rank ", n), func(c *ModelConfig) { c.DTRank = n })
	}
	for _, n := range []int{7, 33, 257} {
		vary(fmt.Sprint("vocabulary ", n), func(c *ModelConfig) { c.VocabSize = n })
	}
	vary("bias", func(c *ModelConfig) { c.UseBias = true })
	vary("no convolution bias", func(c *ModelConfig) { c.UseConvBias = false })
	vary("untied", func(c *ModelConfig) { c.Tied = false })
	vary("epsilon", func(c *ModelConfig) { c.NormEps = 0.1 })
	vary("one layer", func(c *ModelConfig) { c.NLayer = 1 })
	vary("odd", func(c *ModelConfig) {
		*c = ModelConfig{Layout: c.Layout, DModel: 33, NLayer: 3, DInner: 33, DState: 3, DConv: 7, DTRank: 5,
			VocabSize: 37, NormEps: 1e-6, Tied: false, UseBias: true}
	})
	return all
}

// sameLogits compares two loads of a folder: a prompt of one token, of fewer
// than four, one longer than the tiles of the kernels, a step of one row and a
// step of nine.
func sameLogits(t *testing.T, got, want *Model) float64 {
	t.Helper()
	var seen errorsSeen
	for _, n := range []int{1, 3, 37} {
		ids := someIDs(want, n, n)
		a, b := newState(t, got), newState(t, want)
		seen.within(t, parity, prefill(t, got, a, ids), prefill(t, want, b, ids), n, " tokens")
		seen.within(t, parity, prefill(t, got, a, ids[:1]), prefill(t, want, b, ids[:1]), "a token after ", n)
		closeStates(a, b)
	}
	const rows = 9
	a, b := newStates(t, got, rows), newStates(t, want, rows)
	for range 2 {
		ids := someIDs(want, rows, 5)
		x, err := got.Step(ctx, a, ids)
		require.NoError(t, err)
		y, err := want.Step(ctx, b, ids)
		require.NoError(t, err)
		for i := range x {
			seen.within(t, parity, x[i], y[i], "row ", i)
		}
	}
	closeStates(append(a, b...)...)
	return seen.worst
}

// compareFolder runs a folder on a device and on the Go backend.
func compareFolder(t *testing.T, dir string, dev *wgpu.Device) float64 {
	t.Helper()
	return sameLogits(t, open(t, dir, Options{Device: dev}), open(t, dir, Options{Adapter: GoAdapter}))
}

func TestArchitectures(t *testing.T) {
	dev := device(t)
	worst := 0.0
	for name, c := range architectures() {
		t.Run(name, func(t *testing.T) { worst = max(worst, compareFolder(t, writeModel(t, c, nil), dev)) })
	}
	t.Logf("largest error relative to the largest logit %.2g", worst)
}

// TestArchitecturesOfNew runs models as New makes them.
func TestArchitecturesOfNew(t *testing.T) {
	dev := device(t)
	for _, name := range []string{"odd", "d_state 17", "bias"} {
		c := architectures()[name]
		a, err := New(c, 1, &Options{Device: dev})
		require.NoError(t, err)
		defer a.Close()
		b, err := New(c, 1, &Options{Adapter: GoAdapter})
		require.NoError(t, err)
		sameLogits(t, a, b)
	}
}

func TestStorageTypes(t *testing.T) {
	dev := device(t)
	all := func(d checkpoint.DType) func(string) checkpoint.DType {
		return func(string) checkpoint.DType { return d }
	}
	types := map[string]func(name string) checkpoint.DType{
		"F32": all(checkpoint.F32), "F16": all(checkpoint.F16), "BF16": all(checkpoint.BF16),
		"mixed": func(name string) checkpoint.DType {
			return []checkpoint.DType{checkpoint.F32, checkpoint.F16, checkpoint.BF16}[len(name)%3]
		},
	}
	c := architectures()["odd"]
	for name, dtype := range types {
		t.Run(name, func(t *testing.T) {
			dir := writeFolder(t, c, randomTensors(t, c, dtype))
			t.Logf("largest error relative to the largest logit %.2g", compareFolder(t, dir, dev))
		})
	}
}

// originalFolder writes a model in the layout of state-spaces/mamba.
func originalFolder(t *testing.T) string {
	c := tiny()
	c.VocabSize = 40 // 37 padded to a multiple of 8
	w := randomTensors(t, c, nil)
	x := w["backbone.embeddings.weight"]
	delete(w, x.Name)
	x.Name = "backbone.embedding.weight"
	w[x.Name] = x
	dir := t.TempDir()
	w.write(t, filepath.Join(dir, "model.safetensors"), nil)
	writeJSON(t, filepath.Join(dir, "config.json"), map[string]any{
		"d_model": c.DModel, "n_layer": c.NLayer, "vocab_size": 37, "pad_vocab_size_multiple": 8,
		"ssm_cfg": map[string]any{"d_state": c.DState, "dt_rank": c.DTRank}, "rms_norm": true,
		"residual_in_fp32": true, "fused_add_norm": true,
	})
	return dir
}

// shardedFolder writes a model in two files with an index.
func shardedFolder(t *testing.T) string {
	c := tiny()
	w := randomTensors(t, c, nil)
	dir := writeFolder(t, c, w)
	require.NoError(t, os.Remove(filepath.Join(dir, "model.safetensors")))
	second := func(name string) bool { return strings.Contains(name, "layers.1.") }
	names := [2]string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}
	w.write(t, filepath.Join(dir, names[0]), func(name string) bool { return !second(name) })
	w.write(t, filepath.Join(dir, names[1]), second)
	places, size := map[string]string{}, 0
	for name, x := range w {
		places[name] = names[0]
		if second(name) {
			places[name] = names[1]
		}
		size += len(x.Data)
	}
	writeJSON(t, filepath.Join(dir, "model.safetensors.index.json"), map[string]any{
		"metadata": map[string]any{"total_size": size}, "weight_map": places,
	})
	return dir
}

func TestLayouts(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		original := open(t, originalFolder(t), opts)
		require.Equal(t, checkpoint.Original, original.Config().Layout)
		c := tiny()
		c.VocabSize = 40
		sameLogits(t, original, open(t, writeModel(t, c, nil), opts))
		sameLogits(t, open(t, shardedFolder(t), opts), newTiny(t, opts))
	})
}

// TestLoadFS loads from a file system, with progress.
func TestLoadFS(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		dir := writeModel(t, tiny(), nil)
		var done, total int64
		opts.Progress = func(d, n int64) {
			assert.GreaterOrEqual(t, d, done)
			done, total = d, n
		}
		m, err := LoadFS(os.DirFS(filepath.Dir(dir)), filepath.Base(dir), &opts)
		require.NoError(t, err)
		defer m.Close()
		require.Equal(t, 4*m.Config().Parameters(), total)
		require.Equal(t, total, done)
		opts.Progress = nil
		require.Equal(t, alone(t, newTiny(t, opts), []int{1, 2}), alone(t, m, []int{1, 2}))
	})
}

// TestSplitMatrices runs a model whose embedding, in_proj and head do not fit
// one binding each.
func TestSplitMatrices(t *testing.T) {
	for _, c := range []ModelConfig{
		{DModel: 16, DInner: 32, DState: 5, DConv: 4, DTRank: 2, VocabSize: 257, Tied: true, UseConvBias: true},
		{DModel: 18, DInner: 36, DState: 3, DConv: 3, DTRank: 1, VocabSize: 131, UseBias: true},
	} {
		c.Layout, c.NLayer, c.NormEps = checkpoint.HuggingFace, 2, 1e-5
		for _, d := range []checkpoint.DType{checkpoint.F32, checkpoint.F16} {
			t.Run(fmt.Sprint(c.VocabSize, " ", d), func(t *testing.T) {
				dir := writeFolder(t, c, randomTensors(t, c, func(string) checkpoint.DType { return d }))
				small := open(t, dir, Options{Device: lowDevice(t, 2304)})
				net := small.backend.(*gpuBackend).net
				require.Greater(t, len(net.embedding.shards), 2)
				if d == checkpoint.F32 {
					require.Greater(t, len(net.blocks[0].inProj.shards), 1)
				}
				want := open(t, dir, Options{Adapter: GoAdapter})
				var seen errorsSeen
				for _, n := range []int{1, 3, 37} {
					ids := someIDs(want, n, n)
					seen.within(t, parity, alone(t, small, ids), alone(t, want, ids), n, " tokens")
				}
				seen.log(t)
			})
		}
	}
}

// TestFewSlots opens as many states as a binding holds, and one more.
func TestFewSlots(t *testing.T) {
	c := tiny() // 24 x 5 numbers of a state
	m := open(t, writeModel(t, c, nil), Options{Device: lowDevice(t, 2304)})
	want := alone(t, m, []int{1, 2, 3, 4})
	live := newState(t, m)
	prefill(t, m, live, []int{1, 2, 3})
	for range 3 { // 4 states of 480 bytes fit 2304, 8 do not
		newState(t, m)
	}
	_, err := m.NewState()
	var limit *wgpu.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "MaxStorageBinding", limit.Name)
	require.ErrorContains(t, err, "ssm_state")
	_, err = live.Clone()
	require.ErrorAs(t, err, &limit)
	require.LessOrEqual(t, relative(prefill(t, m, live, []int{4}), want), invariant, "the model goes on")
}

// TestOddSlots has room for three states, which doubling goes past.
func TestOddSlots(t *testing.T) {
	m := open(t, writeModel(t, tiny(), nil), Options{Device: lowDevice(t, 1600)})
	require.Len(t, newStates(t, m, 3), 3)
	_, err := m.NewState()
	require.ErrorAs(t, err, new(*wgpu.LimitError))
}

// TestTightBudget leaves room for few tokens, which makes chunks shorter and
// nothing else.
func TestTightBudget(t *testing.T) {
	dir := writeModel(t, tiny(), nil)
	free := open(t, dir, Options{Device: device(t)})
	ids := someIDs(free, 2000, 1)
	const readback, params = 4 << 20, 64 << 10 // that the device makes for itself
	dev, err := wgpu.Open(&wgpu.Options{MemoryBudget: readback + params + 220_000, Notices: io.Discard})
	need(t, err)
	defer dev.Close()
	m := open(t, dir, Options{Device: dev})
	setChunk(t, m, len(ids))
	require.LessOrEqual(t, relative(alone(t, m, ids), alone(t, free, ids)), invariant)
	g := m.backend.(*gpuBackend)
	require.Less(t, g.tokens, len(ids))
	require.Equal(t, g.tokens, g.most, "what did not fit is not asked for again")
}
