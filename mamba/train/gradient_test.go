package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
)

// The gradient of every tensor against differences of the loss, in directions that
// have a part along the gradient, so that the difference is well above the rounding
// of the loss, and a random one, so that no element goes unseen.
func TestGradientsAreDifferences(t *testing.T) {
	for name, c := range map[string]mamba.ModelConfig{"even": evenConfig(), "odd": oddConfig()} {
		t.Run(name, func(t *testing.T) {
			tr := newTrainer(t, c, Options{Adapter: mamba.GoAdapter, Batch: 2, SeqLen: 9})
			batch := randomBatch(c, 2, 9, 3)
			_, err := tr.Backward(ctx, batch)
			require.NoError(t, err)
			rng := rand.New(rand.NewPCG(5, 6))
			for _, p := range tr.Parameters() {
				g, err := tr.Gradient(p.Name)
				require.NoError(t, err)
				for range 2 {
					checkDirection(t, tr, batch, p.Name, g, rng)
				}
			}
		})
	}
}

func checkDirection(t *testing.T, tr *Trainer, batch Batch, name string, g []float32, rng *rand.Rand) {
	t.Helper()
	size := norm(g)
	require.Greater(t, size, 1e-4, name)
	direction, slope := make([]float64, len(g)), 0.0
	for i, v := range g {
		direction[i] = float64(v)/size + rng.NormFloat64()/math.Sqrt(float64(len(g)))
		slope += float64(v) * direction[i]
	}
	at, err := tr.Value(name)
	require.NoError(t, err)
	loss := func(step float64) float64 {
		moved := make([]float32, len(at))
		for i, v := range at {
			moved[i] = v + float32(step*direction[i])
		}
		require.NoError(t, tr.SetValue(name, moved))
		l, err := tr.Loss(ctx, batch)
		require.NoError(t, err)
		return l
	}
	// Differences of the fourth order: the step is large beside the rounding of the
	// loss, its fourth power small.
	h := min(0.02, 2e-3/size)
	got := (8*(loss(h)-loss(-h)) - (loss(2*h) - loss(-2*h))) / (12 * h)
	require.NoError(t, tr.SetValue(name, at))
	require.InEpsilon(t, slope, got, 4e-3, "%s: gradient of norm %g", name, size)
}

func norm(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

func TestGPUEqualsGo(t *testing.T) {
	for name, c := range map[string]mamba.ModelConfig{"even": evenConfig(), "odd": oddConfig()} {
		for _, length := range []int{1, 33, 70} {
			t.Run(fmt.Sprintf("%s %d", name, length), func(t *testing.T) {
				dev := device(t)
				batch := randomBatch(c, 3, length, 4)
				onGo := newTrainer(t, c, Options{Adapter: mamba.GoAdapter, Batch: 3, SeqLen: length})
				onGPU := newTrainer(t, c, Options{Device: dev, Batch: 3, SeqLen: length, LogitBytes: uint64(40 * 4 * c.VocabSize)})
				want, err := onGo.Backward(ctx, batch)
				require.NoError(t, err)
				got, err := onGPU.Backward(ctx, batch)
				require.NoError(t, err)
				require.InDelta(t, want, got, 1e-5)
				requireClose(t, tensors(t, onGo, onGo.Gradient), tensors(t, onGPU, onGPU.Gradient), 2e-5, 1e-7)

				logits, err := onGo.Logits(ctx, batch)
				require.NoError(t, err)
				same, err := onGPU.Logits(ctx, batch)
				require.NoError(t, err)
				requireClose(t, map[string][]float32{"logits": logits}, map[string][]float32{"logits": same}, 1e-5, 0)
			})
		}
	}
}

// What a layer makes again is what it had, to the bit; so is what all layers, one or
// none make again.
func TestRecomputedGradients(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := oddConfig()
		opts.Batch, opts.SeqLen = 2, 21
		batch := randomBatch(c, 2, 21, 5)
		gradients := func(recompute func(int) bool) map[string][]float32 {
			o := opts
			o.Recompute = recompute
			tr := newTrainer(t, c, o)
			_, err := tr.Backward(ctx, batch)
			require.NoError(t, err)
			return tensors(t, tr, tr.Gradient)
		}
		none := gradients(nil)
		require.Equal(t, none, gradients(EveryLayer))
		require.Equal(t, none, gradients(func(i int) bool { return i == 1 }))
		require.Equal(t, none, gradients(func(i int) bool { return i != 1 }))
	})
}

// Two batches of a step are one of twice the rows, and rows that go through one by one
// are those that go together.
func TestAccumulation(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := evenConfig()
		opts.SeqLen, opts.Clip = 12, -1
		whole := randomBatch(c, 6, 12, 6)
		halves := []Batch{{IDs: whole.IDs[:3*13]}, {IDs: whole.IDs[3*13:]}}
		apart := Batch{IDs: slices.Clone(whole.IDs)} // rows begin with other tokens, which Inputs set right
		for r := range 6 {
			apart.Inputs = append(apart.Inputs, whole.IDs[13*r:][:12]...)
			apart.IDs[13*r] = 0
		}
		step := func(rows, micro int, batches ...Batch) (Result, map[string][]float32, map[string][]float32) {
			o := opts
			o.Batch, o.MicroBatch = rows, micro
			tr := newTrainer(t, c, o)
			r, err := tr.Step(ctx, 1e-3, batches...)
			require.NoError(t, err)
			return r, tensors(t, tr, tr.Gradient), tensors(t, tr, tr.Value)
		}
		want, gradients, values := step(6, 0, whole)
		for name, run := range map[string]func() (Result, map[string][]float32, map[string][]float32){
			"halves":       func() (Result, map[string][]float32, map[string][]float32) { return step(3, 0, halves...) },
			"one by one":   func() (Result, map[string][]float32, map[string][]float32) { return step(6, 1, whole) },
			"inputs apart": func() (Result, map[string][]float32, map[string][]float32) { return step(6, 4, apart) },
			"four and two": func() (Result, map[string][]float32, map[string][]float32) { return step(6, 4, whole) },
			"unequal parts": func() (Result, map[string][]float32, map[string][]float32) {
				return step(5, 0, Batch{IDs: whole.IDs[:13]}, Batch{IDs: whole.IDs[13:]})
			},
		} {
			got, g, v := run()
			require.InDelta(t, want.Loss, got.Loss, 1e-6, name)
			require.InEpsilon(t, want.GradNorm, got.GradNorm, 1e-5, name)
			requireClose(t, gradients, g, 5e-6, 1e-8)
			requireClose(t, values, v, 1e-5, 1e-6)
		}
	})
}

func TestPartsOfAStep(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := evenConfig()
		opts.Batch, opts.SeqLen = 2, 10
		batch := randomBatch(c, 2, 10, 8)
		whole, parts := newTrainer(t, c, opts), newTrainer(t, c, opts)
		for range 3 {
			want, err := whole.Step(ctx, 1e-2, batch)
			require.NoError(t, err)
			loss, err := parts.Backward(ctx, batch)
			require.NoError(t, err)
			require.Equal(t, want.Loss, loss)
			norm, err := parts.Update(ctx, 1e-2)
			require.NoError(t, err)
			require.Equal(t, want.GradNorm, norm)
			require.Equal(t, tensors(t, whole, whole.Value), tensors(t, parts, parts.Value))
		}
		// Gradients add up until they are cleared.
		_, err := parts.Backward(ctx, batch)
		require.NoError(t, err)
		one := tensors(t, parts, parts.Gradient)
		_, err = parts.Backward(ctx, batch)
		require.NoError(t, err)
		for name, v := range one {
			for i := range v {
				v[i] *= 2
			}
			one[name] = v
		}
		requireClose(t, one, tensors(t, parts, parts.Gradient), 1e-6, 0)
		require.NoError(t, parts.ZeroGradients())
		for name, v := range tensors(t, parts, parts.Gradient) {
			require.Zero(t, norm(v), name)
		}
	})
}

func TestBlockPass(t *testing.T) {
	p, err := NewBlockPass(device(t), 2, 40, 32)
	require.NoError(t, err)
	defer p.Close()
	want, err := BlockResults(2, 40, 32)
	require.NoError(t, err)
	for range 2 {
		got, err := p.Results()
		require.NoError(t, err)
		requireClose(t, want, got, 2e-5, 1e-6)
	}
	require.Greater(t, norm(want["output"]), 0.1)
	require.Greater(t, norm(want["gradient of the input"]), 0.1)
	if p.machine.dev.Timestamps() {
		_, err = p.Time()
		require.NoError(t, err)
	}
}
