package train

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
)

// layerConfigs are layers with every norm, and sizes that do not divide.
var layerConfigs = []mamba.Config{
	{DModel: 8, DState: 4, DConv: 3, Expand: 2},
	{DModel: 5, DState: 3, DConv: 2, Expand: 3, Norm: mamba.NormRMS},
	{DModel: 12, DState: 17, DConv: 4, Expand: 1, Norm: mamba.NormLayer, NormEps: 0.01},
}

// newLayerTrainerAt is a trainer whose parameters are far from where they start, so that
// no gradient is nearly zero.
func newLayerTrainerAt(t testing.TB, c mamba.Config, opts Options) *LayerTrainer {
	t.Helper()
	tr, err := NewLayerTrainer(c, &opts)
	require.NoError(t, err)
	t.Cleanup(func() { tr.Close() })
	rng := rand.New(rand.NewPCG(7, 9))
	for _, p := range tr.Parameters() {
		v, err := tr.Value(p.Name)
		require.NoError(t, err)
		for i := range v {
			v[i] += float32(0.2 * rng.NormFloat64())
		}
		require.NoError(t, tr.SetValue(p.Name, v))
	}
	return tr
}

func randomLayerTensor(seed uint64, shape ...int) mamba.Tensor {
	rng := rand.New(rand.NewPCG(seed, 11))
	x := mamba.NewTensor(shape...)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	return x
}

// layerLoss is the sum of dy times the layer's output.
func layerLoss(t testing.TB, tr *LayerTrainer, x, dy mamba.Tensor) (sum float64) {
	t.Helper()
	y, err := tr.Forward(ctx, x)
	require.NoError(t, err)
	for i, v := range y.Data {
		sum += float64(v) * float64(dy.Data[i])
	}
	return sum
}

// The gradients of the input and of every parameter against differences of the loss, in
// directions with a part along the gradient, so that the difference is well above the
// rounding, and a random one, so that no element goes unseen.
func TestLayerGradientsAreDifferences(t *testing.T) {
	for _, c := range layerConfigs {
		t.Run(c.Norm.String(), func(t *testing.T) {
			tr := newLayerTrainerAt(t, c, Options{Adapter: mamba.GoAdapter})
			x, dy := randomLayerTensor(1, 2, 11, c.DModel), randomLayerTensor(2, 2, 11, c.DModel)
			layerLoss(t, tr, x, dy)
			dx, err := tr.Backward(ctx, dy)
			require.NoError(t, err)
			rng := rand.New(rand.NewPCG(5, 6))
			for range 3 {
				at := append([]float32(nil), x.Data...)
				alongDirection(t, "x", at, dx.Data, rng, func(v []float32) float64 {
					return layerLoss(t, tr, mamba.Tensor{Shape: x.Shape, Data: v}, dy)
				})
			}
			for _, p := range tr.Parameters() {
				g, err := tr.Gradient(p.Name)
				require.NoError(t, err)
				at, err := tr.Value(p.Name)
				require.NoError(t, err)
				for range 3 {
					alongDirection(t, p.Name, at, g, rng, func(v []float32) float64 {
						require.NoError(t, tr.SetValue(p.Name, v))
						return layerLoss(t, tr, x, dy)
					})
				}
				require.NoError(t, tr.SetValue(p.Name, at))
			}
		})
	}
}

// alongDirection compares the slope of loss at a place along a direction that a gradient
// tells with a difference of the fourth order: its step is large beside the rounding of the
// loss, its fourth power small.
func alongDirection(t *testing.T, name string, at, g []float32, rng *rand.Rand, loss func(v []float32) float64) {
	t.Helper()
	size := 0.0
	for _, v := range g {
		size += float64(v) * float64(v)
	}
	size = math.Sqrt(size)
	require.Greater(t, size, 1e-3, name)
	direction, slope := make([]float64, len(g)), 0.0
	for i, v := range g {
		direction[i] = float64(v)/size + rng.NormFloat64()/math.Sqrt(float64(len(g)))
		slope += float64(v) * direction[i]
	}
	moved := func(step float64) float64 {
		v := make([]float32, len(at))
		for i := range v {
			v[i] = at[i] + float32(step*direction[i])
		}
		return loss(v)
	}
	const h = 4e-3
	got := (8*(moved(h)-moved(-h)) - (moved(2*h) - moved(-2*h))) / (12 * h)
	require.InDelta(t, slope, got, 1e-3*size, "%s: gradient of norm %g", name, size)
}

// TestLayerGPUEqualsGo compares outputs and all gradients. A step's rounding turns state n
// by about pi n times it, 2e-7 n for the steps here.
func TestLayerGPUEqualsGo(t *testing.T) {
	configs := append([]mamba.Config{{DModel: 16}, {DModel: 4, DState: 200}}, layerConfigs...)
	for _, c := range configs {
		for _, size := range [][2]int{{1, 1}, {3, 9}, {2, 70}} {
			t.Run(fmt.Sprintf("%+v %v", c, size), func(t *testing.T) {
				dev := device(t)
				onGo, onGPU := newLayerTrainerAt(t, c, Options{Adapter: mamba.GoAdapter}), newLayerTrainerAt(t, c, Options{Device: dev})
				x, dy := randomLayerTensor(3, size[0], size[1], c.DModel), randomLayerTensor(4, size[0], size[1], c.DModel)
				pass := func(tr *LayerTrainer) map[string][]float32 {
					y, err := tr.Forward(ctx, x)
					require.NoError(t, err)
					dx, err := tr.Backward(ctx, dy)
					require.NoError(t, err)
					all := map[string][]float32{"y": y.Data, "dx": dx.Data}
					for _, p := range tr.Parameters() {
						all[p.Name], err = tr.Gradient(p.Name)
						require.NoError(t, err)
					}
					return all
				}
				want, got := pass(onGo), pass(onGPU)
				for name, w := range want {
					nearArray(t, name, w, got[name], 2e-5+5e-7*float64(c.DState))
				}
			})
		}
	}
}

// nearArray asserts that got is want within so much of the largest value.
func nearArray(t *testing.T, name string, want, got []float32, allowed float64) {
	t.Helper()
	require.Len(t, got, len(want), name)
	var largest, worst float64
	for i, w := range want {
		largest = max(largest, math.Abs(float64(w)))
		worst = max(worst, math.Abs(float64(w)-float64(got[i])))
	}
	require.LessOrEqual(t, worst, allowed*largest+1e-7, "%s, whose largest value is %g", name, largest)
}

// TestLayerForwardIsLayer: a trainer's layer is mamba's of the same seed, before and
// after training, through a file.
func TestLayerForwardIsLayer(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		for _, c := range layerConfigs {
			opts.Seed = 5
			tr, err := NewLayerTrainer(c, &opts)
			require.NoError(t, err)
			defer tr.Close()
			layer, err := mamba.NewLayer(c, 5, &mamba.Options{Adapter: opts.Adapter, Device: opts.Device})
			require.NoError(t, err)
			defer layer.Close()
			require.Equal(t, layer.Config(), tr.Config())
			x := randomLayerTensor(1, 2, 13, c.DModel)
			same := func(l *mamba.Layer) {
				want, err := l.Forward(ctx, x)
				require.NoError(t, err)
				got, err := tr.Forward(ctx, x)
				require.NoError(t, err)
				nearArray(t, "y", want.Data, got.Data, 2e-6)
			}
			same(layer)
			_, err = tr.Backward(ctx, randomLayerTensor(2, 2, 13, c.DModel))
			require.NoError(t, err)
			_, err = tr.Update(ctx, 1e-2)
			require.NoError(t, err)

			path := filepath.Join(t.TempDir(), "layer.safetensors")
			var file bytes.Buffer
			require.NoError(t, tr.Save(&file))
			require.NoError(t, os.WriteFile(path, file.Bytes(), 0o644))
			trained, err := mamba.LoadLayer(path, &mamba.Options{Adapter: opts.Adapter, Device: opts.Device})
			require.NoError(t, err)
			defer trained.Close()
			same(trained)

			again, err := LoadLayerTrainer(path, &opts)
			require.NoError(t, err)
			defer again.Close()
			for _, p := range tr.Parameters() {
				want, err := tr.Value(p.Name)
				require.NoError(t, err)
				got, err := again.Value(p.Name)
				require.NoError(t, err)
				require.Equal(t, want, got, p.Name)
			}
		}
	})
}

// TestLayerAccumulates: gradients add up until an update or ZeroGradients, and a batch
// in two parts is the whole.
func TestLayerAccumulates(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := layerConfigs[1]
		opts.Clip, opts.WeightDecay = -1, -1
		x, dy := randomLayerTensor(1, 4, 10, c.DModel), randomLayerTensor(2, 4, 10, c.DModel)
		gradients := func(tr *LayerTrainer, batches ...[2]mamba.Tensor) map[string][]float32 {
			for _, b := range batches {
				_, err := tr.Forward(ctx, b[0])
				require.NoError(t, err)
				_, err = tr.Backward(ctx, b[1])
				require.NoError(t, err)
			}
			all := map[string][]float32{}
			for _, p := range tr.Parameters() {
				var err error
				all[p.Name], err = tr.Gradient(p.Name)
				require.NoError(t, err)
			}
			return all
		}
		half := func(x mamba.Tensor, i int) mamba.Tensor {
			n := len(x.Data) / 2
			return mamba.Tensor{Shape: []int{2, 10, c.DModel}, Data: x.Data[i*n : (i+1)*n]}
		}
		tr := newLayerTrainerAt(t, c, opts)
		want := gradients(tr, [2]mamba.Tensor{x, dy})
		require.NoError(t, tr.ZeroGradients())
		got := gradients(tr, [2]mamba.Tensor{half(x, 0), half(dy, 0)}, [2]mamba.Tensor{half(x, 1), half(dy, 1)})
		for name, w := range want {
			nearArray(t, name, w, got[name], 1e-5)
		}
		norm := 0.0
		for _, g := range got {
			for _, v := range g {
				norm += float64(v) * float64(v)
			}
		}
		told, err := tr.Update(ctx, 0)
		require.NoError(t, err)
		assert.InEpsilon(t, math.Sqrt(norm), told, 1e-5)
		again := gradients(tr, [2]mamba.Tensor{x, dy})
		require.Equal(t, want, again, "the same bits, from 0 again after an update that changed nothing")
	})
}

func TestLayerTrainerRefuses(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		tr := newLayerTrainerAt(t, mamba.Config{DModel: 6, DState: 3}, opts)
		for _, x := range []mamba.Tensor{
			{}, mamba.NewTensor(3, 6), mamba.NewTensor(2, 3, 5), mamba.NewTensor(0, 3, 6),
			{Shape: []int{2, 3, 6}, Data: make([]float32, 35)}, {Shape: []int{math.MaxInt, 4, 6}},
		} {
			_, err := tr.Forward(ctx, x)
			assert.ErrorAs(t, err, new(*mamba.TensorError), x.Shape)
		}
		x := randomLayerTensor(1, 2, 3, 6)
		_, err := tr.Backward(ctx, x)
		assert.Equal(t, ErrNoForward, err)
		_, err = tr.Forward(ctx, x)
		require.NoError(t, err)
		_, err = tr.Backward(ctx, randomLayerTensor(1, 3, 2, 6))
		assert.ErrorAs(t, err, new(*mamba.TensorError))
		_, err = tr.Backward(ctx, x)
		require.NoError(t, err)
		_, err = tr.Backward(ctx, x)
		assert.Equal(t, ErrNoForward, err)

		before, err := tr.Value("D")
		require.NoError(t, err)
		_, err = tr.Forward(ctx, x)
		require.NoError(t, err)
		x.Data[4] = float32(math.Inf(1))
		_, err = tr.Backward(ctx, x)
		require.NoError(t, err)
		_, err = tr.Update(ctx, 1e-3)
		var diverged *DivergedError
		require.ErrorAs(t, err, &diverged)
		assert.Equal(t, 1, diverged.Step)
		after, err := tr.Value("D")
		require.NoError(t, err)
		assert.Equal(t, before, after)

		_, err = tr.Value("A_log")
		assert.ErrorAs(t, err, new(*ParameterError))
		assert.ErrorAs(t, tr.SetValue("D", make([]float32, 3)), new(*ParameterError))
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err = tr.Forward(ended, randomLayerTensor(1, 1, 1, 6))
		assert.ErrorIs(t, err, context.Canceled)
		_, err = NewLayerTrainer(mamba.Config{DState: -1}, &opts)
		assert.ErrorAs(t, err, new(*OptionError))

		require.NoError(t, tr.Close())
		require.NoError(t, tr.Close())
		_, err = tr.Forward(ctx, x)
		assert.Equal(t, ErrClosed, err)
		_, err = tr.Update(ctx, 1)
		assert.Equal(t, ErrClosed, err)
		_, err = tr.Value("D")
		assert.Equal(t, ErrClosed, err)
		assert.Equal(t, ErrClosed, tr.ZeroGradients())
		assert.Zero(t, tr.MemoryInUse())
	})
}

// TestLayerLearns: a layer learns to recall its input of five tokens before, which the
// convolution does not reach.
func TestLayerLearns(t *testing.T) {
	const back, rows, length, steps = 5, 4, 24, 100
	onBackends(t, func(t *testing.T, opts Options) {
		opts.WeightDecay, opts.Seed = -1, 1
		tr, err := NewLayerTrainer(mamba.Config{DModel: 8, DState: 8}, &opts)
		require.NoError(t, err)
		defer tr.Close()
		rng := rand.New(rand.NewPCG(1, 2))
		var first, loss float64
		for step := range steps {
			x, dy := mamba.NewTensor(rows, length, 8), mamba.NewTensor(rows, length, 8)
			for i := 0; i < len(x.Data); i += 8 {
				x.Data[i] = float32(2*rng.IntN(2) - 1)
			}
			y, err := tr.Forward(ctx, x)
			require.NoError(t, err)
			loss = 0
			for i, v := range y.Data {
				want := x.Data[i]
				if i%8 == 1 && i/8%length >= back {
					want = x.Data[i-1-8*back]
				}
				loss += float64(v-want) * float64(v-want) / (rows * length)
				dy.Data[i] = 2 * (v - want) / (rows * length)
			}
			if step == 0 {
				first = loss
			}
			_, err = tr.Backward(ctx, dy)
			require.NoError(t, err)
			_, err = tr.Update(ctx, 1e-2)
			require.NoError(t, err)
		}
		t.Logf("loss %.3g at first, %.3g after %d steps", first, loss, steps)
		assert.Less(t, loss, first/100)
	})
}

// TestLayerMemory: arrays serve all smaller batches, grow for a larger one, and all is
// given back.
func TestLayerMemory(t *testing.T) {
	dev := device(t)
	pass := func(tr *LayerTrainer, rows, length int) {
		x := randomLayerTensor(1, rows, length, 6)
		_, err := tr.Forward(ctx, x)
		require.NoError(t, err)
		_, err = tr.Backward(ctx, x)
		require.NoError(t, err)
	}
	before := dev.MemoryInUse()
	tr, err := NewLayerTrainer(mamba.Config{DModel: 6}, &Options{Device: dev})
	require.NoError(t, err)
	pass(tr, 2, 30)
	used := dev.MemoryInUse()
	pass(tr, 1, 40)
	assert.Equal(t, used, dev.MemoryInUse())
	pass(tr, 3, 30)
	assert.Greater(t, dev.MemoryInUse(), used)
	assert.Equal(t, dev.MemoryInUse(), tr.MemoryInUse())
	require.NoError(t, tr.Close())
	assert.Equal(t, before, dev.MemoryInUse())
}
