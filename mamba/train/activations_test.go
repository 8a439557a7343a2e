package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// withHalves is the options with activations in halves.
func withHalves(o Options) Options {
	o.Activations = checkpoint.F16
	return o
}

// Gradients of halves against those of floats. Every number that is kept is off by 2^-12 of
// it in the mean and 2^-11 at most; a gradient is a sum of products of a few of them, which
// may cancel in single elements: all together are within 2^-9, the worst element within
// 2^-7 of its tensor's largest.
func TestGradientsOfHalves(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		for name, c := range map[string]mamba.ModelConfig{"even": evenConfig(), "odd": oddConfig()} {
			for _, length := range []int{2, 34, 70} {
				opts.Batch, opts.SeqLen = 3, length
				batch := randomBatch(c, 3, length, 4)
				floats, halves := newTrainer(t, c, opts), newTrainer(t, c, withHalves(opts))
				want, err := floats.Backward(ctx, batch)
				require.NoError(t, err)
				got, err := halves.Backward(ctx, batch)
				require.NoError(t, err)
				require.NotEqual(t, want, got)
				require.InDelta(t, want, got, 0x1p-11*want, "%s, %d tokens", name, length)
				exact, rounded := tensors(t, floats, floats.Gradient), tensors(t, halves, halves.Gradient)
				requireClose(t, exact, rounded, 0x1p-7, 1e-7)
				size, off := 0.0, 0.0
				for name, v := range exact {
					difference := make([]float32, len(v))
					for i := range v {
						difference[i] = v[i] - rounded[name][i]
					}
					size, off = math.Hypot(size, norm(v)), math.Hypot(off, norm(difference))
				}
				require.Less(t, off, 0x1p-9*size, "%s, %d tokens", name, length)
			}
		}
	})
}

// Backends round alike, but a number between two halves may go to one here and to the other
// there, which moves gradients less than to round all of them does.
func TestGPUEqualsGoInHalves(t *testing.T) {
	for name, c := range map[string]mamba.ModelConfig{"even": evenConfig(), "odd": oddConfig()} {
		for _, length := range []int{2, 70} {
			t.Run(fmt.Sprintf("%s %d", name, length), func(t *testing.T) {
				batch := randomBatch(c, 3, length, 4)
				onGo := newTrainer(t, c, withHalves(Options{Adapter: mamba.GoAdapter, Batch: 3, SeqLen: length}))
				onGPU := newTrainer(t, c, withHalves(Options{Device: device(t), Batch: 3, SeqLen: length}))
				want, err := onGo.Backward(ctx, batch)
				require.NoError(t, err)
				got, err := onGPU.Backward(ctx, batch)
				require.NoError(t, err)
				require.InDelta(t, want, got, 2e-5)
				requireClose(t, tensors(t, onGo, onGo.Gradient), tensors(t, onGPU, onGPU.Gradient), 0x1p-9, 1e-7)
			})
		}
	}
}

// The same halves, kept or made again, give the same bits, and so does the same training.
func TestHalvesAreDeterministic(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := oddConfig()
		opts.Batch, opts.SeqLen = 2, 22
		train := func(recompute func(int) bool) map[string][]float32 {
			o := withHalves(opts)
			o.Recompute = recompute
			tr := newTrainer(t, c, o)
			for i := range 3 {
				_, err := tr.Step(ctx, 1e-2, randomBatch(c, 2, 22, uint64(i)))
				require.NoError(t, err)
			}
			return tensors(t, tr, tr.Value)
		}
		want := train(nil)
		require.Equal(t, want, train(nil))
		require.Equal(t, want, train(EveryLayer))
		require.Equal(t, want, train(func(i int) bool { return i == 1 }))
	})
}

// A model learns real text with halves as it does with floats.
func TestHalvesLearn(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		losses := func(activations checkpoint.DType) (list []float64) {
			o := opts
			o.Activations = activations
			r := tinyRun(t, o)
			r.Steps, r.Average, r.EvalEvery, r.SaveEvery, r.Schedule.Decay = 60, 0, 60, 60, DecayConstant
			r.OnMetric = func(m Metric) {
				if m.Trained != nil {
					list = append(list, m.Trained.Loss)
				}
			}
			_, err := Run(ctx, &r)
			require.NoError(t, err)
			return list
		}
		floats, halves := losses(checkpoint.F32), losses(checkpoint.F16)
		require.Less(t, halves[59], halves[0]-1)
		for i, want := range floats {
			require.InDelta(t, want, halves[i], 0.01, "step %d", i+1)
		}
	})
}

// A number beyond what halves have ends the step, with the weights as they were; floats go
// on, since the norm before the next layer takes it back.
func TestHalvesOverflow(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := evenConfig()
		opts.Batch, opts.SeqLen = 2, 10
		step := func(opts Options) error {
			tr := newTrainer(t, c, opts)
			const name = "backbone.layers.0.mixer.in_proj.weight"
			w, err := tr.Value(name)
			require.NoError(t, err)
			for i := range w {
				w[i] *= 3e5
			}
			require.NoError(t, tr.SetValue(name, w))
			_, err = tr.Step(ctx, 1e-3, randomBatch(c, 2, 10, 3))
			after, readErr := tr.Value(name)
			require.NoError(t, readErr)
			if err != nil {
				require.Equal(t, w, after)
			}
			return err
		}
		require.NoError(t, step(opts))
		require.ErrorAs(t, step(withHalves(opts)), new(*DivergedError))
	})
}

// A run goes on with the activations that it was begun with, and with floats if it was begun
// before there was a choice.
func TestRunKeepsActivations(t *testing.T) {
	o := tinyRun(t, Options{Adapter: mamba.GoAdapter})
	_, err := Run(ctx, &o)
	require.NoError(t, err)
	path := filepath.Join(checkpointDir(o.Dir, 12), stateFile)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var state map[string]any
	require.NoError(t, json.Unmarshal(data, &state))
	settings := state["settings"].(map[string]any)
	require.Equal(t, "F32", settings["activations"])
	delete(settings, "activations")
	older, err := json.Marshal(state)
	require.NoError(t, err)
	require.False(t, bytes.Contains(older, []byte("activations")))
	require.NoError(t, os.WriteFile(path, older, 0o666))
	o.Resume = true
	_, err = Run(ctx, &o)
	require.NoError(t, err)

	other := *o.Options
	other.Activations = checkpoint.F16
	o.Options = &other
	_, err = Run(ctx, &o)
	var setting *SettingError
	require.ErrorAs(t, err, &setting)
	require.Equal(t, SettingError{Name: "Activations", Got: "F16", Begun: "F32"}, *setting)
}

func TestActivationsAreChecked(t *testing.T) {
	var option *OptionError
	for _, o := range []Options{{Activations: checkpoint.BF16}, {Activations: checkpoint.F16, SeqLen: 9}} {
		o.Adapter = mamba.GoAdapter
		_, err := New(evenConfig(), &o)
		require.ErrorAs(t, err, &option)
	}
	tr := newTrainer(t, evenConfig(), Options{Adapter: mamba.GoAdapter, Batch: 1, SeqLen: 4})
	require.Equal(t, checkpoint.F32, tr.Options().Activations)
}
