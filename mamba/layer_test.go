package mamba

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

func newTestLayer(t testing.TB, c Config, opts Options) *Layer {
	t.Helper()
	l, err := NewLayer(c, 1, &opts)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// unlikeInit changes parameters that a new layer has alike in all places, so
// that each matters, and gives the layer with them.
func unlikeInit(t testing.TB, c Config, opts Options) *Layer {
	t.Helper()
	c, err := c.filled()
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(3, 3))
	p := c.shapes().draw(1, c.draw)
	for _, name := range []string{"in_proj.bias", "s_proj.bias", "out_proj.bias", "a_re", "a_im", "D", "norm.weight", "norm.bias"} {
		for i := range p[name].Data {
			p[name].Data[i] += float32(0.3 * rng.NormFloat64())
		}
	}
	l, err := makeLayer(LayerWeights{c, p}, &opts)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func randomTensor(seed uint64, shape ...int) Tensor {
	rng := rand.New(rand.NewPCG(seed, 5))
	x := NewTensor(shape...)
	gaussian(rng, x.Data, 1)
	return x
}

func ok(t testing.TB) func(x Tensor, err error) Tensor {
	return func(x Tensor, err error) Tensor {
		t.Helper()
		require.NoError(t, err)
		return x
	}
}

// TestLayerTwin holds Forward against the definition in float64.
func TestLayerTwin(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		var seen errorsSeen
		for _, c := range []struct{ d, n, k, expand, batch, length int }{
			{5, 1, 2, 1, 1, 1},
			{5, 3, 3, 2, 3, 7},
			{5, 16, 4, 3, 3, 100},
			{5, 100, 8, 3, 1, 33},
			{33, 1, 5, 3, 3, 9},
			{33, 3, 6, 1, 1, 100},
			{33, 16, 7, 2, 3, 33},
			{33, 100, 4, 2, 3, 8},
			{512, 16, 4, 2, 1, 9},
			{512, 3, 8, 1, 3, 8},
			{64, 256, 4, 1, 1, 7},
		} {
			cfg := Config{DModel: c.d, DState: c.n, DConv: c.k, Expand: c.expand}
			for i, l := range []*Layer{newTestLayer(t, cfg, opts), unlikeInit(t, cfg, opts)} {
				x := randomTensor(2, c.batch, c.length, c.d)
				y := ok(t)(l.Forward(ctx, x))
				require.Equal(t, x.Shape, y.Shape)
				seen.within(t, 1e-5, y.Data, twinForward(l, x), c, i)
				l.Close()
			}
		}
		seen.log(t)
	})
}

func twinForward(l *Layer, x Tensor) []float32 {
	var want []float32
	n := len(x.Data) / x.Shape[0]
	for b := range x.Shape[0] {
		for _, v := range newLayerTwin(l).forward(x.Data[b*n : (b+1)*n]) {
			want = append(want, float32(v))
		}
	}
	return want
}

func TestLayerNorms(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		for _, norm := range []Norm{NormRMS, NormLayer} {
			l := unlikeInit(t, Config{DModel: 33, DState: 5, Norm: norm, NormEps: 1e-2}, opts)
			x := randomTensor(2, 2, 11, 33)
			y := ok(t)(l.Forward(ctx, x))
			assert.LessOrEqual(t, relative(y.Data, twinForward(l, x)), 1e-5, norm)
		}
	})
}

// TestLayerExtremes has steps from very short to very long, and fast phases.
func TestLayerExtremes(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		var seen errorsSeen
		for _, s := range []float32{-12, -5, 3, 100} {
			c, err := Config{DModel: 12, DState: 64}.filled()
			require.NoError(t, err)
			p := c.shapes().draw(1, c.draw)
			p["s_proj.bias"].Data[0] = s
			l, err := makeLayer(LayerWeights{c, p}, &opts)
			require.NoError(t, err)
			x := randomTensor(4, 2, 40, 12)
			seen.within(t, 1e-4, ok(t)(l.Forward(ctx, x)).Data, twinForward(l, x), "delta's bias ", s)
			l.Close()
		}
		seen.log(t)
	})
}

// TestLayerSteps holds prefill, steps and chunks against Forward.
func TestLayerSteps(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		var seen errorsSeen
		for _, c := range []Config{{DModel: 33, DState: 5}, {DModel: 16, DState: 16, DConv: 8, Expand: 3}, {DModel: 5, DState: 100, DConv: 2}} {
			l := unlikeInit(t, c, opts)
			x := randomTensor(2, 3, 21, c.DModel)
			want := ok(t)(l.Forward(ctx, x))
			st, err := l.NewState(3)
			require.NoError(t, err)
			for range 2 {
				got := NewTensor(x.Shape...)
				put(got, 0, ok(t)(l.Prefill(ctx, st, tokensOf(x, 0, 10))))
				for at := 10; at < 21; at++ {
					token := tokensOf(x, at, at+1)
					y := ok(t)(l.Step(ctx, st, Tensor{[]int{3, c.DModel}, token.Data}))
					require.Equal(t, []int{3, c.DModel}, y.Shape)
					put(got, at, Tensor{[]int{3, 1, c.DModel}, y.Data})
				}
				require.Equal(t, 21, st.Tokens())
				seen.within(t, invariant, got.Data, want.Data, c)
				require.NoError(t, st.Reset())
				require.Zero(t, st.Tokens())
			}
			require.NoError(t, st.Close())
			for _, chunk := range []int{1, 2, 4, 20} {
				opts.ChunkLength = chunk
				small := unlikeInit(t, c, opts)
				seen.within(t, invariant, ok(t)(small.Forward(ctx, x)).Data, want.Data, c, " in chunks of ", chunk)
				st, err := small.NewState(3)
				require.NoError(t, err)
				seen.within(t, invariant, ok(t)(small.Prefill(ctx, st, x)).Data, want.Data, c, " in chunks of ", chunk)
			}
			opts.ChunkLength = 0
			for b := range 3 {
				alone := ok(t)(l.Forward(ctx, Tensor{[]int{1, 21, c.DModel}, row(x, b)}))
				seen.within(t, invariant, alone.Data, row(want, b), "row ", b)
			}
		}
		seen.log(t)
	})
}

// row is one sequence of x (B, L, d).
func row(x Tensor, b int) []float32 {
	n := x.Shape[1] * x.Shape[2]
	return x.Data[b*n : (b+1)*n]
}

// tokensOf is the tokens lo to hi of each sequence of x (B, L, d).
func tokensOf(x Tensor, lo, hi int) Tensor {
	y := Tensor{Shape: []int{x.Shape[0], hi - lo, x.Shape[2]}}
	for b := range x.Shape[0] {
		y.Data = append(y.Data, row(x, b)[lo*x.Shape[2]:hi*x.Shape[2]]...)
	}
	return y
}

// put replaces the tokens of x from at on by those of y.
func put(x Tensor, at int, y Tensor) {
	for b := range x.Shape[0] {
		copy(row(x, b)[at*x.Shape[2]:], row(y, b))
	}
}

// TestLayerParts holds the parts, one after the other, against Forward.
func TestLayerParts(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		var seen errorsSeen
		for _, chunk := range []int{0, 10} {
			opts.ChunkLength = chunk
			for _, c := range []Config{{DModel: 33, DState: 5}, {DModel: 8, DState: 100, Expand: 3}, {DModel: 16, Norm: NormLayer}} {
				l := unlikeInit(t, c, opts)
				x := randomTensor(2, 3, 19, c.DModel)
				u := ok(t)(l.Conv1D(x))
				dyn, err := l.SProj(u)
				require.NoError(t, err)
				disc, err := l.Discretization(dyn.Delta)
				require.NoError(t, err)
				y := ok(t)(l.SelectiveScan(u, dyn, disc))
				got := ok(t)(l.OutProj(x, y))
				want := ok(t)(l.Forward(ctx, x))
				require.Equal(t, x.Shape, got.Shape)
				seen.within(t, invariant, got.Data, want.Data, c)
				checkDynamics(t, l, dyn, disc)
			}
		}
		seen.log(t)
	})
}

// checkDynamics holds what SProj and Discretization gave against what the
// formulas say of it.
func checkDynamics(t *testing.T, l *Layer, dyn Dynamics, disc Discrete) {
	n, e := l.config.DState, l.config.DInner()
	for name, shape := range map[string][2][]int{
		"Delta": {dyn.Delta.Shape, {3, 19}}, "AMod": {dyn.AMod.Shape, {3, 19, n}},
		"BMod": {dyn.BMod.Shape, {3, 19, e}}, "CMod": {dyn.CMod.Shape, {3, 19, e}},
		"Abar": {disc.Abar.Shape, {3, 19, n}}, "Phi": {disc.Phi.Shape, {3, 19, n}},
	} {
		require.Equal(t, shape[1], shape[0], name)
	}
	for i, a := range dyn.AMod.Data {
		require.True(t, a > 0 && a < 1 && dyn.Delta.Data[i/n] > 0)
		re, im := -math.Exp(float64(l.params["a_re"].Data[i%n])), float64(l.params["a_im"].Data[i%n])
		z := complex128(disc.Abar.Data[i]) - 1 - complex128(disc.Phi.Data[i])*complex(re, im)
		require.InDelta(t, 0, math.Hypot(real(z), imag(z)), 1e-4)
	}
	bbar, err := l.Bbar(disc.Phi)
	require.NoError(t, err)
	require.Equal(t, []int{3, 19, e, n}, bbar.Shape)
	token, channel, state := 7, e-1, n-1
	b := l.params["B"].Data[channel*n+state]
	phi := disc.Phi.Data[token*n+state]
	require.Equal(t, complex(real(phi)*b, imag(phi)*b), bbar.Data[(token*e+channel)*n+state])
}

func TestLayerDefaults(t *testing.T) {
	l := newTestLayer(t, Config{}, Options{Adapter: GoAdapter})
	assert.Equal(t, Config{DModel: 512, DState: 16, DConv: 4, Expand: 2, NormEps: 1e-5}, l.Config())
	assert.Equal(t, 1024, l.Config().DInner())
	assert.Equal(t, GoAdapter, l.AdapterInfo().Name)
	again := newTestLayer(t, Config{}, Options{Adapter: GoAdapter})
	assert.Equal(t, l.params, again.params, "the same seed")
	other, err := NewLayer(Config{}, 2, &Options{Adapter: GoAdapter})
	require.NoError(t, err)
	assert.NotEqual(t, l.params, other.params)
}

// TestLayerInit holds mean and deviation of every parameter against the
// definition.
func TestLayerInit(t *testing.T) {
	l := newTestLayer(t, Config{DModel: 200, DState: 16}, Options{Adapter: GoAdapter})
	for name, want := range map[string]float64{
		"in_proj.weight": math.Sqrt(2.0 / 600), "s_proj.weight": math.Sqrt(2.0 / (817 + 400)), "out_proj.weight": math.Sqrt(2.0 / 600),
		"in_proj.bias": 1e-6, "s_proj.bias": 1e-6, "out_proj.bias": 1e-6,
		"conv1d.weight": math.Sqrt(2.0 / 1600), "conv1d.bias": 0.5 / math.Sqrt(3), "B": 1, "C": 0.25, "D": 0,
	} {
		p := l.params[name]
		var sum, square float64
		for _, v := range p.Data {
			if name == "D" {
				v--
			}
			sum += float64(v)
			square += float64(v) * float64(v)
		}
		n := float64(len(p.Data))
		assert.InDelta(t, 0, sum/n, 5*want/math.Sqrt(n), name)
		assert.InDelta(t, want, math.Sqrt(square/n), 5*want/math.Sqrt(n), name)
	}
	for i := range 16 {
		assert.InDelta(t, math.Log(0.5), l.params["a_re"].Data[i], 1e-7)
		assert.InEpsilon(t, 1+math.Pi*float64(i), 1+l.params["a_im"].Data[i], 1e-6)
	}
}

func TestLayerOptions(t *testing.T) {
	for _, c := range []Config{
		{DModel: -1}, {DModel: 1 << 17}, {DState: 257}, {DState: -1}, {DConv: 1}, {DConv: 9}, {Expand: -2},
		{Expand: 1000}, {Norm: 3}, {NormEps: -1}, {NormEps: math.NaN()}, {NormEps: math.Inf(1)},
	} {
		_, err := NewLayer(c, 1, &Options{Adapter: GoAdapter})
		assert.ErrorAs(t, err, new(*OptionError), c)
	}
	_, err := NewLayer(Config{DModel: 4}, 1, &Options{Adapter: GoAdapter, ChunkLength: -1})
	assert.ErrorAs(t, err, new(*OptionError))
	_, err = NewLayer(Config{DModel: 4}, 1, &Options{Adapter: "no such adapter"})
	assert.Error(t, err)
	assert.Equal(t, "none rms layer Norm(7)", fmt.Sprint(NormNone, " ", NormRMS, " ", NormLayer, " ", Norm(7)))
}

func TestLayerRefuses(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		l, other := newTestLayer(t, Config{DModel: 6}, opts), newTestLayer(t, Config{DModel: 6}, opts)
		st, err := l.NewState(2)
		require.NoError(t, err)
		foreign, err := other.NewState(2)
		require.NoError(t, err)
		good := NewTensor(2, 3, 6)
		for _, x := range []Tensor{
			{}, NewTensor(6), NewTensor(3, 6), NewTensor(2, 3, 5), NewTensor(0, 3, 6), NewTensor(2, 0, 6),
			{[]int{2, 3, 6}, make([]float32, 35)}, {[]int{2, 3, 6}, make([]float32, 72)}, {[]int{-2, -3, 6}, make([]float32, 36)},
			{[]int{math.MaxInt, 4, 6}, nil}, {[]int{2, 3, 6}, nil},
		} {
			_, err := l.Forward(ctx, x)
			assert.ErrorAs(t, err, new(*TensorError), x.Shape)
			_, err = l.Conv1D(x)
			assert.ErrorAs(t, err, new(*TensorError), x.Shape)
			_, err = l.OutProj(x, NewTensor(2, 3, 12))
			assert.ErrorAs(t, err, new(*TensorError), x.Shape)
			_, err = l.SProj(x)
			assert.ErrorAs(t, err, new(*TensorError), x.Shape)
			_, err = l.Discretization(x)
			if len(x.Shape) != 2 {
				assert.ErrorAs(t, err, new(*TensorError), x.Shape)
			}
			_, err = l.SelectiveScan(x, Dynamics{}, Discrete{})
			assert.ErrorAs(t, err, new(*TensorError), x.Shape)
		}
		_, err = l.SelectiveScan(NewTensor(2, 3, 12), Dynamics{}, Discrete{})
		assert.ErrorContains(t, err, "tensor AMod has shape [], want shape (2, 3, 16), no axis empty")
		_, err = l.OutProj(good, NewTensor(2, 4, 12))
		assert.ErrorAs(t, err, new(*TensorError))
		_, err = l.Step(ctx, st, good)
		assert.ErrorAs(t, err, new(*TensorError))
		_, err = l.Step(ctx, st, NewTensor(3, 6))
		assert.ErrorAs(t, err, new(*TensorError))
		for _, s := range []*LayerState{nil, foreign} {
			_, err = l.Prefill(ctx, s, good)
			assert.ErrorAs(t, err, new(*OptionError))
		}
		for _, n := range []int{-1, 0, 1 << 30} {
			_, err = l.NewState(n)
			assert.ErrorAs(t, err, new(*OptionError))
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err = l.Forward(ended, good)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 2, st.Batch())

		require.NoError(t, st.Close())
		require.NoError(t, st.Close())
		_, err = l.Prefill(ctx, st, good)
		assert.Equal(t, ErrClosed, err)
		assert.Equal(t, ErrClosed, st.Reset())
		require.NoError(t, l.Close())
		require.NoError(t, l.Close())
		assert.Zero(t, l.MemoryInUse())
		_, err = l.Forward(ctx, good)
		assert.Equal(t, ErrClosed, err)
		_, err = l.Conv1D(good)
		assert.Equal(t, ErrClosed, err)
		_, err = l.NewState(1)
		assert.Equal(t, ErrClosed, err)
		require.NoError(t, other.Close())
		assert.Equal(t, ErrClosed, foreign.Reset())
		require.NoError(t, foreign.Close())
	})
}

// TestLayerMemory holds memory to be given back and not to grow with length.
func TestLayerMemory(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		// What a device keeps for all its users is there after the first.
		first := newTestLayer(t, Config{DModel: 12}, opts)
		ok(t)(first.Forward(ctx, randomTensor(1, 2, 3, 12)))
		require.NoError(t, first.Close())
		before := uint64(0)
		if opts.Device != nil {
			before = opts.Device.MemoryInUse()
		}
		l := newTestLayer(t, Config{DModel: 12}, opts)
		ok(t)(l.Forward(ctx, randomTensor(1, 2, 5000, 12))) // longer than any chunk
		used := l.MemoryInUse()
		ok(t)(l.Forward(ctx, randomTensor(1, 2, 9000, 12)))
		assert.Equal(t, used, l.MemoryInUse())
		st, err := l.NewState(3)
		require.NoError(t, err)
		assert.Greater(t, l.MemoryInUse(), used)
		ok(t)(l.Step(ctx, st, NewTensor(3, 12)))
		require.NoError(t, st.Close())
		assert.LessOrEqual(t, l.MemoryInUse(), used+64) // slots for one row more
		_, err = l.NewState(2)
		require.NoError(t, err)
		require.NoError(t, l.Close())
		if opts.Device != nil {
			assert.Equal(t, before, opts.Device.MemoryInUse())
		}
	})
}

// TestLayerSmallBindings runs where a chunk's arrays, a batch and matrices do
// not fit into a binding.
func TestLayerSmallBindings(t *testing.T) {
	dev := lowDevice(t, 64<<10)
	c := Config{DModel: 60, DState: 3}
	l := unlikeInit(t, c, Options{Device: dev})
	x := randomTensor(2, 3, 50, 60)
	want := ok(t)(unlikeInit(t, c, Options{Adapter: GoAdapter}).Forward(ctx, x))
	assert.LessOrEqual(t, relative(ok(t)(l.Forward(ctx, x)).Data, want.Data), 1e-5)
	x = randomTensor(2, 70, 1, 60)
	want = ok(t)(unlikeInit(t, c, Options{Adapter: GoAdapter}).Forward(ctx, x))
	assert.LessOrEqual(t, relative(ok(t)(l.Forward(ctx, x)).Data, want.Data), 1e-5)
	_, err := l.NewState(1000)
	assert.ErrorAs(t, err, new(*wgpu.LimitError))
	_, err = NewLayer(Config{DModel: 64, DState: 256}, 1, &Options{Device: dev})
	assert.ErrorAs(t, err, new(*wgpu.LimitError))
}

func TestBbarRefused(t *testing.T) {
	l := newTestLayer(t, Config{DModel: 4}, Options{Adapter: GoAdapter, MemoryBudget: 8 * 8 * 16 * 6})
	_, err := l.Bbar(newComplexTensor(2, 3, 16))
	require.NoError(t, err)
	_, err = l.Bbar(newComplexTensor(1, 7, 16))
	assert.Equal(t, &wgpu.LimitError{Label: "Bbar (1, 7, 8, 16)", Name: "memory budget", Need: 7168, Have: 6144}, err)
	_, err = l.Bbar(newComplexTensor(1, 7, 15))
	assert.ErrorAs(t, err, new(*TensorError))
}

func saveLayer(t testing.TB, save func(w *os.File) error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "layer.safetensors")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, save(f))
	require.NoError(t, f.Close())
	return path
}

func TestLayerRoundTrip(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		for _, c := range []Config{{DModel: 7, DState: 3, DConv: 5, Expand: 3}, {DModel: 4, Norm: NormRMS, NormEps: 0.3}, {DModel: 4, Norm: NormLayer}} {
			l := unlikeInit(t, c, opts)
			back, err := LoadLayer(saveLayer(t, func(w *os.File) error { return l.Save(w) }), &opts)
			require.NoError(t, err)
			assert.Equal(t, l.Config(), back.Config())
			assert.Equal(t, l.params, back.params)
			x := randomTensor(1, 2, 9, c.DModel)
			assert.Equal(t, ok(t)(l.Forward(ctx, x)), ok(t)(back.Forward(ctx, x)))
			require.NoError(t, back.Close())
		}
	})
}

// TestLayerFiles loads files that are not as they should be.
func TestLayerFiles(t *testing.T) {
	l := newTestLayer(t, Config{DModel: 4, DState: 3}, Options{Adapter: GoAdapter})
	load := func(metadata map[string]string, edit func(w tensors)) error {
		w := tensors{}
		for name, p := range l.params {
			w.set(t, name, checkpoint.F32, p.Shape, p.Data)
		}
		edit(w)
		path := saveLayer(t, func(f *os.File) error {
			var list []checkpoint.NamedData
			for _, d := range w {
				list = append(list, d)
			}
			return checkpoint.WriteSafetensors(f, list, metadata)
		})
		got, err := LoadLayer(path, &Options{Adapter: GoAdapter})
		if err == nil {
			require.NoError(t, got.Close())
		}
		return err
	}
	nothing := func(tensors) {}
	require.NoError(t, load(nil, nothing))
	require.NoError(t, load(nil, func(w tensors) { w.set(t, "B", checkpoint.BF16, []int{8, 3}, l.params["B"].Data) }))
	for name, edit := range map[string]func(w tensors){
		"missing":             func(w tensors) { delete(w, "s_proj.weight") },
		"missing sizes":       func(w tensors) { delete(w, "in_proj.weight") },
		"missing a_re":        func(w tensors) { delete(w, "a_re") },
		"missing conv1d":      func(w tensors) { delete(w, "conv1d.weight") },
		"one more":            func(w tensors) { w.set(t, "lm_head", checkpoint.F32, []int{1}, []float32{1}) },
		"axes":                func(w tensors) { w.set(t, "a_re", checkpoint.F32, []int{3, 1}, make([]float32, 3)) },
		"empty":               func(w tensors) { w.set(t, "a_re", checkpoint.F32, []int{0}, nil) },
		"shape":               func(w tensors) { w.set(t, "B", checkpoint.F32, []int{3, 8}, make([]float32, 24)) },
		"expand":              func(w tensors) { w.set(t, "in_proj.weight", checkpoint.F32, []int{8, 3}, make([]float32, 24)) },
		"taps":                func(w tensors) { w.set(t, "conv1d.weight", checkpoint.F32, []int{8, 1, 9}, make([]float32, 72)) },
		"not finite":          func(w tensors) { w.poke(t, "D", 3, float32(math.NaN())) },
		"a_re that overflows": func(w tensors) { w.poke(t, "a_re", 1, 89) },
		"dtype":               func(w tensors) { w.set(t, "D", checkpoint.F64, []int{8}, make([]float32, 8)) },
		"norm without weight": func(w tensors) { w.set(t, "norm.bias", checkpoint.F32, []int{4}, make([]float32, 4)) },
	} {
		err := load(nil, edit)
		assert.ErrorAs(t, err, new(*checkpoint.FormatError), name)
		t.Log(err)
	}
	for _, metadata := range []map[string]string{{formatKey: blockFormat}, {"norm_eps": "x"}, {"norm_eps": "-1"}, {"norm_eps": "NaN"}} {
		err := load(metadata, nothing)
		assert.ErrorAs(t, err, new(*checkpoint.FormatError), metadata)
		t.Log(err)
	}
	_, err := LoadLayer(filepath.Join(t.TempDir(), "none"), nil)
	assert.ErrorIs(t, err, os.ErrNotExist)
	path := filepath.Join(t.TempDir(), "cut")
	require.NoError(t, os.WriteFile(path, []byte("0123456789"), 0o644))
	_, err = LoadLayer(path, nil)
	assert.Error(t, err)
}

// TestLayerGoroutines calls one layer from several goroutines.
func TestLayerGoroutines(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		l := newTestLayer(t, Config{DModel: 8}, opts)
		x := randomTensor(1, 2, 9, 8)
		want := ok(t)(l.Forward(ctx, x))
		done := make(chan error)
		for range 4 {
			go func() {
				y, err := l.Forward(ctx, x)
				if err == nil && relative(y.Data, want.Data) != 0 {
					err = fmt.Errorf("another result")
				}
				done <- err
			}()
		}
		for range 4 {
			require.NoError(t, <-done)
		}
	})
}

// BenchmarkLayerForward is the layer with the sizes of its defaults on a batch
// of shape (8, 1024, 512), transfers between host and device included.
func BenchmarkLayerForward(b *testing.B) {
	l, err := NewLayer(Config{}, 1, &Options{Notices: os.Stderr})
	require.NoError(b, err)
	benchForward(b, &l.sequencer)
}

// BenchmarkBlockForward is the Mamba-1 mixer of the same sizes.
func BenchmarkBlockForward(b *testing.B) {
	l, err := NewBlock(BlockConfig{}, 1, &Options{Notices: os.Stderr})
	require.NoError(b, err)
	benchForward(b, &l.sequencer)
}

func benchForward(b *testing.B, l *sequencer) {
	defer l.Close()
	x := randomTensor(1, 8, 1024, 512)
	if _, err := l.Forward(ctx, x); exhausted(err) {
		b.Skip(err)
	} else {
		require.NoError(b, err)
	}
	for b.Loop() {
		_, err := l.Forward(ctx, x)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(8*1024*b.N)/b.Elapsed().Seconds(), "tokens/s")
}
