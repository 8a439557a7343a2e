package train

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// cacheFolder makes the user's cache folder an empty one.
func cacheFolder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir) // of Unix
	t.Setenv("HOME", dir)           // of macOS
	t.Setenv("LocalAppData", dir)   // of Windows
}

// Trainers of both kinds use what is stored for their adapter, unless they are told
// otherwise.
func TestStoredTuning(t *testing.T) {
	cacheFolder(t)
	dev := device(t)
	product := shaders.MatmulParams{M: 64, N: 64, K: 4096}
	k := shaders.New(dev)
	other := shaders.Tuning{}
	for _, name := range shaders.Variants("matmul_split", product, dev.Limits(), dev.Info().Kind) {
		k.Tune(shaders.Tuning{"matmul_split": name})
		if k.MatmulScratch(product) != shaders.New(dev).MatmulScratch(product) {
			other["matmul_split"] = name
		}
	}
	require.NotEmpty(t, other)
	k.Tune(other)
	usual, tuned := shaders.New(dev).MatmulScratch(product), k.MatmulScratch(product)
	_, err := mamba.StoreTuning(dev.Info(), other)
	require.NoError(t, err)

	for _, c := range []struct {
		given shaders.Tuning
		want  int
	}{{nil, tuned}, {shaders.Tuning{}, usual}, {other, tuned}} {
		opts := Options{Device: dev, Batch: 1, SeqLen: 4, Tuning: c.given}
		tr := newTrainer(t, evenConfig(), opts)
		require.Equal(t, c.want, kernels(tr.run).MatmulScratch(product))
		if c.want == tuned {
			require.Equal(t, other, tr.Options().Tuning)
		}
		layer, err := NewLayerTrainer(mamba.Config{DModel: 8}, &opts)
		require.NoError(t, err)
		require.Equal(t, c.want, kernels(layer.run).MatmulScratch(product))
		require.NoError(t, layer.Close())
	}
	t.Setenv("MAMBAGPU_TUNING", "off")
	tr := newTrainer(t, evenConfig(), Options{Device: dev, Batch: 1, SeqLen: 4})
	require.Equal(t, usual, kernels(tr.run).MatmulScratch(product))
}

// kernels are those that an engine's machine runs.
func kernels(run updater) *shaders.Kernels {
	e, ok := run.(*engine[*wgpu.Buffer])
	if !ok {
		e = &run.(*layerEngine[*wgpu.Buffer]).engine
	}
	return e.machine.(*gpuMachine).kernels
}

// A run goes on with the tuning that it was begun with, whatever is stored by then.
func TestRunKeepsItsTuning(t *testing.T) {
	cacheFolder(t)
	dev := device(t)
	first := shaders.Tuning{"matmul_split": "none of these"} // passed over
	_, err := mamba.StoreTuning(dev.Info(), first)
	require.NoError(t, err)
	o := tinyRun(t, Options{Device: dev})
	o.Steps, o.Average, o.Schedule.Warmup = 1, 0, 0
	_, err = Run(ctx, &o)
	require.NoError(t, err)
	var state struct{ Settings Settings }
	data, err := os.ReadFile(filepath.Join(checkpointDir(o.Dir, 1), stateFile))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &state))
	require.EqualValues(t, first, state.Settings.Tuning)

	_, err = mamba.StoreTuning(dev.Info(), shaders.Tuning{"matmul": "nor of these"})
	require.NoError(t, err)
	o.Resume, o.Steps, o.Schedule.Steps = true, 2, 2
	o.OnStart = func(tr *Trainer, _ int) { require.Equal(t, first, tr.Options().Tuning) }
	_, err = Run(ctx, &o)
	require.NoError(t, err)

	given := *o.Options
	given.Tuning = shaders.Tuning{}
	o.Options = &given
	_, err = Run(ctx, &o)
	var setting *SettingError
	require.ErrorAs(t, err, &setting)
	require.Equal(t, "Tuning", setting.Name)
}
