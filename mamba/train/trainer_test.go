package train

import (
	"bytes"
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

// The same seed gives the same bits, and a trainer that goes on from files gives those
// of one that never stopped.
func TestSameBits(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := oddConfig()
		opts.Batch, opts.SeqLen, opts.Seed = 3, 17, 9
		run := func(steps int, between func(tr *Trainer, step int) *Trainer) map[string][]float32 {
			tr, err := New(c, &opts)
			require.NoError(t, err)
			for i := range steps {
				_, err := tr.Step(ctx, 3e-3, randomBatch(c, 3, 17, uint64(i)), randomBatch(c, 2, 17, uint64(100+i)))
				require.NoError(t, err)
				tr = between(tr, i+1)
			}
			defer tr.Close()
			require.Equal(t, steps, tr.Steps())
			return tensors(t, tr, tr.Value)
		}
		same := func(tr *Trainer, _ int) *Trainer { return tr }
		want := run(6, same)
		require.Equal(t, want, run(6, same))
		require.Equal(t, want, run(6, func(tr *Trainer, step int) *Trainer {
			if step != 4 {
				return tr
			}
			return reopened(t, tr, opts)
		}))
	})
}

// reopened is a trainer that has what files keep of another, which is closed.
func reopened(t *testing.T, tr *Trainer, opts Options) *Trainer {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	require.NoError(t, tr.SaveModel(dir, checkpoint.F32))
	var moments bytes.Buffer
	require.NoError(t, tr.SaveOptimizer(&moments))
	require.NoError(t, tr.Close())
	next, err := Load(dir, &opts)
	require.NoError(t, err)
	require.Zero(t, next.Steps())
	require.NoError(t, next.LoadOptimizer(&moments))
	return next
}

// A saved model is one that package mamba reads and that computes what the trainer
// does.
func TestSavedModelIsRead(t *testing.T) {
	c := evenConfig()
	tr := newTrainer(t, c, Options{Adapter: mamba.GoAdapter, Batch: 1, SeqLen: 11})
	batch := randomBatch(c, 1, 11, 2)
	logits, err := tr.Logits(ctx, batch)
	require.NoError(t, err)
	var ids []int
	for _, id := range batch.IDs[:11] {
		ids = append(ids, int(id))
	}
	for _, dtype := range []checkpoint.DType{checkpoint.F32, checkpoint.F16, checkpoint.BF16} {
		dir := filepath.Join(t.TempDir(), "model")
		require.NoError(t, tr.SaveModel(dir, dtype))
		require.ErrorIs(t, tr.SaveModel(dir, dtype), os.ErrExist)
		ckpt, err := checkpoint.Open(dir)
		require.NoError(t, err)
		for _, name := range ckpt.Names() {
			x, err := ckpt.Tensor(name)
			require.NoError(t, err)
			want := checkpoint.F32
			if DefaultDecays(name, x.Shape) {
				want = dtype
			}
			require.Equal(t, want, x.DType, name)
		}
		require.NoError(t, ckpt.Close())
		m, err := mamba.Load(dir, &mamba.Options{Adapter: mamba.GoAdapter})
		require.NoError(t, err)
		state, err := m.NewState()
		require.NoError(t, err)
		got, err := m.Prefill(ctx, state, ids)
		require.NoError(t, err)
		rounding := map[checkpoint.DType]float64{checkpoint.F32: 1e-6, checkpoint.F16: 5e-3, checkpoint.BF16: 4e-2}[dtype]
		requireClose(t, map[string][]float32{"logits": logits[10*c.VocabSize:]}, map[string][]float32{"logits": got}, rounding, 0)
		require.NoError(t, m.Close())
	}
	var option *OptionError
	require.ErrorAs(t, tr.SaveModel(filepath.Join(t.TempDir(), "model"), checkpoint.I8), &option)
}

// The loss of one batch falls to almost nothing.
func TestLearnsABatch(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := evenConfig()
		opts.Batch, opts.SeqLen, opts.WeightDecay = 2, 16, -1
		tr, err := New(c, &opts)
		require.NoError(t, err)
		defer tr.Close()
		batch := randomBatch(c, 2, 16, 3)
		first, err := tr.Loss(ctx, batch)
		require.NoError(t, err)
		require.InDelta(t, math.Log(float64(c.VocabSize)), first, 0.1)
		for range 60 {
			_, err := tr.Step(ctx, 2e-2, batch)
			require.NoError(t, err)
		}
		last, err := tr.Loss(ctx, batch)
		require.NoError(t, err)
		require.Less(t, last, 0.1)
	})
}

// Clipping scales what the moments get, weight decay takes from what it applies to.
func TestClipAndDecay(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := evenConfig()
		opts.Batch, opts.SeqLen = 2, 9
		batch := randomBatch(c, 2, 9, 3)
		moment := func(clip float64) (Result, []float32) {
			o := opts
			o.Clip = clip
			tr := newTrainer(t, c, o)
			r, err := tr.Step(ctx, 0, batch)
			require.NoError(t, err)
			m, err := tr.run.read(firstMoment, hfEmbedding)
			require.NoError(t, err)
			return r, m
		}
		r, free := moment(-1)
		clipped, m := moment(r.GradNorm / 4)
		require.Equal(t, r, clipped)
		require.InEpsilon(t, norm(free)/4, norm(m), 1e-5)

		opts.WeightDecay = 0.5
		tr := newTrainer(t, c, opts)
		for name, v := range tensors(t, tr, tr.Value) {
			require.NoError(t, tr.SetValue(name, v))
		}
		before := tensors(t, tr, tr.Value)
		require.NoError(t, tr.ZeroGradients())
		_, err := tr.Update(ctx, 0.1)
		require.NoError(t, err)
		after := tensors(t, tr, tr.Value)
		for _, p := range tr.Parameters() {
			want := norm(before[p.Name])
			if p.Decays {
				want *= 1 - 0.1*0.5
			}
			require.InEpsilon(t, want, norm(after[p.Name]), 1e-5, p.Name)
			require.Equal(t, len(p.Shape) > 1 && !isLog(p.Name), p.Decays, p.Name)
		}
	})
}

func TestDivergence(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := evenConfig()
		opts.Batch, opts.SeqLen = 2, 9
		batch := randomBatch(c, 2, 9, 3)
		tr := newTrainer(t, c, opts)
		_, err := tr.Step(ctx, 1e-3, batch)
		require.NoError(t, err)

		const bad = "backbone.layers.1.mixer.out_proj.weight"
		good, err := tr.Value(bad)
		require.NoError(t, err)
		broken := append([]float32(nil), good...)
		broken[7] = float32(math.NaN())
		require.NoError(t, tr.SetValue(bad, broken))
		other, err := tr.Value(hfEmbedding)
		require.NoError(t, err)
		var diverged *DivergedError
		_, err = tr.Step(ctx, 1e-3, batch)
		require.ErrorAs(t, err, &diverged)
		require.Equal(t, bad, diverged.Tensor)
		require.Equal(t, "weight", diverged.Kind)
		require.Equal(t, 2, diverged.Step)
		require.True(t, math.IsNaN(diverged.Loss))
		_, err = tr.Backward(ctx, batch)
		require.ErrorAs(t, err, &diverged)

		// The weights are those from before the step, and go on from there.
		same, err := tr.Value(hfEmbedding)
		require.NoError(t, err)
		require.Equal(t, other, same)
		require.NoError(t, tr.SetValue(bad, good))
		_, err = tr.Step(ctx, 1e-3, batch)
		require.NoError(t, err)

		scaled := func(tr *Trainer, name string, by float32) {
			v, err := tr.Value(name)
			require.NoError(t, err)
			for i := range v {
				v[i] *= by
			}
			require.NoError(t, tr.SetValue(name, v))
		}
		// A finite loss whose gradients are beyond float32 when squared.
		tr = newTrainer(t, oddConfig(), opts)
		scaled(tr, "backbone.norm_f.weight", 1e-25)
		scaled(tr, "lm_head.weight", 1e25)
		_, err = tr.Step(ctx, 1e-3, randomBatch(oddConfig(), 2, 9, 3))
		require.ErrorAs(t, err, &diverged)
		require.Equal(t, "gradient", diverged.Kind)
		require.Equal(t, "backbone.norm_f.weight", diverged.Tensor)
		require.False(t, math.IsNaN(diverged.Loss))
		require.Zero(t, tr.Steps())
	})
}

func TestSubmit(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := evenConfig()
		opts.Batch, opts.SeqLen = 2, 9
		one, ahead := newTrainer(t, c, opts), newTrainer(t, c, opts)
		var before *Pending
		for i := range 5 {
			batch := randomBatch(c, 2, 9, uint64(i))
			p, err := ahead.Submit(ctx, 1e-2, batch)
			require.NoError(t, err)
			if before != nil {
				_, err = ahead.Submit(ctx, 1e-2, batch)
				require.ErrorIs(t, err, ErrBusy)
				want, err := one.Step(ctx, 1e-2, randomBatch(c, 2, 9, uint64(i-1)))
				require.NoError(t, err)
				for range 2 {
					got, err := before.Wait()
					require.NoError(t, err)
					require.Equal(t, want, got)
				}
			}
			before = p
		}
	})
}

func TestMemoryPerToken(t *testing.T) {
	onBackends(t, func(t *testing.T, opts Options) {
		c := oddConfig()
		d, e, w, layers := c.DModel, c.DInner, c.DTRank+2*c.DState, c.NLayer
		used := func(rows int, recompute func(int) bool) int {
			o := opts
			o.Batch, o.SeqLen, o.Recompute, o.LogitBytes = rows, 32, recompute, uint64(4*c.VocabSize)
			before := uint64(0)
			if o.Device != nil {
				before = o.Device.MemoryInUse()
			}
			tr, err := NewFrom(c, lively(t, c, 1), &o)
			require.NoError(t, err)
			defer tr.Close()
			require.Equal(t, rows, tr.MicroBatch())
			require.Equal(t, 4*TokenWords(c, recompute), tr.BytesPerToken())
			return int(tr.MemoryInUse() - before)
		}
		for name, test := range map[string]struct {
			recompute func(int) bool
			kept      int
		}{"kept": {nil, layers}, "recomputed": {EveryLayer, 1}, "one recomputed": {func(i int) bool { return i == 0 }, layers}} {
			words := (layers+1)*d + test.kept*(4*e+w) + 2*d + 4*e + w + 1
			require.Equal(t, words, TokenWords(c, test.recompute), name)
			// Beside those a token has what the kernels need for themselves: ids, targets
			// and places, the states of its sequence, and a GPU's scratch.
			perToken := float64(used(64, test.recompute)-used(32, test.recompute)) / (32 * 32) / 4
			require.Greater(t, perToken, float64(words), name)
			require.Less(t, perToken, 1.5*float64(words)+80, name)
		}
	})
}

// A device without room for a batch takes it in parts.
func TestFitsTheDevice(t *testing.T) {
	c := evenConfig()
	dev := device(t)
	low := dev.Limits()
	low.MaxStorageBinding = 64 << 10
	small, err := wgpu.Open(&wgpu.Options{Limits: &low})
	require.NoError(t, err)
	defer small.Close()
	batch := randomBatch(c, 16, 40, 3)
	tight := newTrainer(t, c, Options{Device: small, Batch: 16, SeqLen: 40})
	require.Less(t, tight.MicroBatch(), 16)
	roomy := newTrainer(t, c, Options{Device: dev, Batch: 16, SeqLen: 40})
	require.Equal(t, 16, roomy.MicroBatch())
	want, err := roomy.Backward(ctx, batch)
	require.NoError(t, err)
	got, err := tight.Backward(ctx, batch)
	require.NoError(t, err)
	require.InDelta(t, want, got, 1e-5)
	requireClose(t, tensors(t, roomy, roomy.Gradient), tensors(t, tight, tight.Gradient), 1e-5, 1e-8)
}

func TestErrors(t *testing.T) {
	c := evenConfig()
	var option *OptionError
	for _, o := range []Options{
		{Batch: -1}, {SeqLen: -1}, {MicroBatch: -1}, {Beta1: 1}, {Beta2: -0.1}, {Eps: 2}, {WeightDecay: math.NaN()}, {Clip: math.Inf(1)},
	} {
		o.Adapter = mamba.GoAdapter
		_, err := New(c, &o)
		require.ErrorAs(t, err, &option, "%+v", o)
	}
	tr := newTrainer(t, c, Options{Adapter: mamba.GoAdapter, Batch: 2, SeqLen: 4})
	for _, n := range []int{0, 4, 6, 15} {
		_, err := tr.Step(ctx, 0, Batch{IDs: make([]uint32, n)})
		require.ErrorAs(t, err, &option)
	}
	_, err := tr.Step(ctx, 0)
	require.ErrorAs(t, err, &option)
	var token *mamba.TokenError
	_, err = tr.Loss(ctx, Batch{IDs: []uint32{0, 1, 2, 3, 64}})
	require.ErrorAs(t, err, &token)
	require.Equal(t, mamba.TokenError{ID: 64, Size: 64}, *token)
	var parameter *ParameterError
	_, err = tr.Value("lm_head.weight")
	require.ErrorAs(t, err, &parameter)
	require.ErrorAs(t, tr.SetValue("backbone.norm_f.weight", make([]float32, 3)), &parameter)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = tr.Step(cancelled, 0, randomBatch(c, 2, 4, 1))
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, tr.Steps())

	var format *checkpoint.FormatError
	require.ErrorAs(t, tr.LoadOptimizer(bytes.NewReader([]byte("nothing of the sort"))), &format)
	other := newTrainer(t, oddConfig(), Options{Adapter: mamba.GoAdapter, Batch: 2, SeqLen: 4})
	var moments bytes.Buffer
	require.NoError(t, other.SaveOptimizer(&moments))
	require.ErrorAs(t, tr.LoadOptimizer(&moments), &format)

	quantised := c
	quantised.Bits = 8
	_, err = New(quantised, nil)
	require.ErrorAs(t, err, &option)

	require.NoError(t, tr.Close())
	require.NoError(t, tr.Close())
	_, err = tr.Step(ctx, 0, randomBatch(c, 2, 4, 1))
	require.ErrorIs(t, err, ErrClosed)
	_, err = tr.Gradient(hfEmbedding)
	require.ErrorIs(t, err, ErrClosed)
}

// An embedding that a binding does not hold is in several arrays, which nobody sees.
func TestShards(t *testing.T) {
	for name, c := range map[string]mamba.ModelConfig{"tied": evenConfig(), "untied": oddConfig()} {
		t.Run(name, func(t *testing.T) {
			c.VocabSize = 643
			limits := device(t).Limits()
			limits.MaxStorageBinding = 20 << 10
			small, err := wgpu.Open(&wgpu.Options{Limits: &limits, Notices: io.Discard})
			require.NoError(t, err)
			defer small.Close()
			opts := Options{Batch: 2, SeqLen: 6}
			opts.Device = small
			cut := newTrainer(t, c, opts)
			opts.Device, opts.Adapter = nil, mamba.GoAdapter
			whole := newTrainer(t, c, opts)
			require.Greater(t, len(cut.run.parts()), len(whole.run.parts()))
			require.Greater(t, len(cut.run.(*engine[*wgpu.Buffer]).net.arenas), 1)
			require.Equal(t, whole.Parameters(), cut.Parameters())
			require.Equal(t, tensors(t, whole, whole.Value), tensors(t, cut, cut.Value))
			for i := range 2 {
				batch := randomBatch(c, 2, 6, uint64(i))
				want, err := whole.Step(ctx, 1e-3, batch)
				require.NoError(t, err)
				got, err := cut.Step(ctx, 1e-3, batch)
				require.NoError(t, err)
				require.InDelta(t, want.Loss, got.Loss, 1e-5)
				require.InEpsilon(t, want.GradNorm, got.GradNorm, 1e-5)
				requireClose(t, tensors(t, whole, whole.Gradient), tensors(t, cut, cut.Gradient), 2e-5, 1e-7)
			}
			logits, err := whole.Logits(ctx, randomBatch(c, 1, 6, 9))
			require.NoError(t, err)
			same, err := cut.Logits(ctx, randomBatch(c, 1, 6, 9))
			require.NoError(t, err)
			requireClose(t, map[string][]float32{"logits": logits}, map[string][]float32{"logits": same}, 1e-3, 0)
			v := make([]float32, c.VocabSize*c.DModel)
			for i := range v {
				v[i] = float32(i)
			}
			require.NoError(t, cut.SetValue(hfEmbedding, v))
			read, err := cut.Value(hfEmbedding)
			require.NoError(t, err)
			require.Equal(t, v, read)
		})
	}
}
