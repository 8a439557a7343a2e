package mamba

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// makeTestBlock is a block whose parameters all matter.
func makeTestBlock(t testing.TB, c BlockConfig, opts Options) *Block {
	t.Helper()
	c, err := c.filled()
	require.NoError(t, err)
	w := randomTensors(t, c.model(), nil)
	p := c.shapes().draw(1, func(rng *rand.Rand, name string, _ []int, v []float32) {
		if d, ok := w["backbone.layers.0."+name]; ok {
			require.NoError(t, checkpoint.Decode(d.DType, v, d.Data))
			return
		}
		gaussian(rng, v, 0.3) // norm.bias
	})
	b, err := makeBlock(c, p, &opts)
	require.NoError(t, err)
	t.Cleanup(func() { b.Close() })
	return b
}

// blockTwin takes one sequence x (L, d) through a block in float64, as the
// documentation of Block defines it.
func blockTwin(b *Block, x []float32) []float64 {
	c := b.config
	d, e, n, r, k := c.DModel, c.DInner(), c.DState, c.DTRank, c.DConv
	at := func(name string, i int) float64 {
		if p, ok := b.params[name]; ok {
			return float64(p.Data[i])
		}
		return 0
	}
	linear := func(name string, rows int, x []float64) []float64 {
		weight := b.params[name+".weight"].Data
		y := make([]float64, rows)
		for i := range y {
			y[i] = at(name+".bias", i)
			for j, v := range x {
				y[i] += float64(weight[i*len(x)+j]) * v
			}
		}
		return y
	}
	silu := func(v float64) float64 { return v / (1 + math.Exp(-v)) }
	norm := layerTwin{d: d, norm: c.Norm, eps: c.NormEps, p: b.params}
	h := make([]float64, e*n)
	var in [][]float64
	var out []float64
	for t := 0; t < len(x)/d; t++ {
		row := make([]float64, d)
		for i := range row {
			row[i] = float64(x[t*d+i])
		}
		in = append(in, linear("mixer.in_proj", 2*e, norm.normalised(row)))
		u := make([]float64, e)
		for i := range u {
			u[i] = at("mixer.conv1d.bias", i)
			for j := max(0, k-1-t); j < k; j++ {
				u[i] += at("mixer.conv1d.weight", i*k+j) * in[t-k+1+j][i]
			}
			u[i] = silu(u[i])
		}
		p := linear("mixer.x_proj", r+2*n, u)
		y := make([]float64, e)
		for i, dt := range linear("mixer.dt_proj", e, p[:r]) {
			delta := math.Log1p(math.Exp(dt))
			y[i] = at("mixer.D", i) * u[i]
			for s := range n {
				a := -math.Exp(at("mixer.A_log", i*n+s))
				h[i*n+s] = math.Exp(delta*a)*h[i*n+s] + delta*u[i]*p[r+s]
				y[i] += h[i*n+s] * p[r+n+s]
			}
			y[i] *= silu(in[t][e+i])
		}
		for i, v := range linear("mixer.out_proj", d, y) {
			if c.Residual {
				v += row[i]
			}
			out = append(out, v)
		}
	}
	return out
}

// TestBlockTwin holds Forward, steps and a file's copy of a block against the
// definition in float64.
func TestBlockTwin(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		var seen errorsSeen
		for _, c := range []BlockConfig{
			{DModel: 12},
			{DModel: 12, Residual: true},
			{DModel: 12, Norm: NormRMS, Residual: true},
			{DModel: 33, DState: 3, DConv: 2, Expand: 1, DTRank: 5, Norm: NormLayer, NormEps: 0.1, Residual: true, Bias: true},
			{DModel: 33, DState: 100, DConv: 8, Expand: 3, Norm: NormRMS, NoConvBias: true},
			{DModel: 5, Norm: NormLayer, Bias: true},
			{DModel: 64},
		} {
			b := makeTestBlock(t, c, opts)
			x := randomTensor(2, 3, 19, c.DModel)
			var want []float32
			for i := range 3 {
				for _, v := range blockTwin(b, row(x, i)) {
					want = append(want, float32(v))
				}
			}
			got := ok(t)(b.Forward(ctx, x))
			require.Equal(t, x.Shape, got.Shape)
			seen.within(t, 1e-5, got.Data, want, c)

			st, err := b.NewState(3)
			require.NoError(t, err)
			put(got, 0, ok(t)(b.Prefill(ctx, st, tokensOf(x, 0, 17))))
			for at := 17; at < 19; at++ {
				y := ok(t)(b.Step(ctx, st, Tensor{[]int{3, c.DModel}, tokensOf(x, at, at+1).Data}))
				put(got, at, Tensor{[]int{3, 1, c.DModel}, y.Data})
			}
			seen.within(t, 1e-5, got.Data, want, c, " in steps")

			back, err := LoadBlock(saveLayer(t, func(w *os.File) error { return b.Save(w) }), &opts)
			require.NoError(t, err)
			assert.Equal(t, b.Config(), back.Config())
			assert.Equal(t, b.params, back.params)
			assert.Equal(t, ok(t)(b.Forward(ctx, x)), ok(t)(back.Forward(ctx, x)))
			require.NoError(t, back.Close())
		}
		seen.log(t)
	})
}

// TestBlockDefaults holds a new block against a new model's layer.
func TestBlockDefaults(t *testing.T) {
	b, err := NewBlock(BlockConfig{}, 1, &Options{Adapter: GoAdapter})
	require.NoError(t, err)
	defer b.Close()
	assert.Equal(t, BlockConfig{DModel: 512, DState: 16, DConv: 4, Expand: 2, DTRank: 32, NormEps: 1e-5}, b.Config())
	for i, v := range b.params["mixer.A_log"].Data {
		require.InDelta(t, math.Log(float64(i%16+1)), v, 1e-6)
	}
	_, ok := b.params["norm.weight"]
	assert.False(t, ok)
	for _, c := range []BlockConfig{{DTRank: -1}, {DModel: -3}, {Norm: 9}} {
		_, err := NewBlock(c, 1, &Options{Adapter: GoAdapter})
		assert.ErrorAs(t, err, new(*OptionError), c)
	}
}

// TestBlockFiles loads files that are not as they should be.
func TestBlockFiles(t *testing.T) {
	opts := Options{Adapter: GoAdapter}
	l := newTestLayer(t, Config{DModel: 4}, opts)
	_, err := LoadBlock(saveLayer(t, func(w *os.File) error { return l.Save(w) }), &opts)
	assert.ErrorContains(t, err, `got a file of "modulated layer 1", want "mamba-1 block 1"`)
	b := makeTestBlock(t, BlockConfig{DModel: 4}, opts)
	for name, edit := range map[string]func(p parameters, metadata map[string]string){
		"no A_log":  func(p parameters, _ map[string]string) { delete(p, "mixer.A_log") },
		"odd":       func(p parameters, _ map[string]string) { p["mixer.in_proj.weight"] = NewTensor(12, 4) },
		"one bias":  func(p parameters, _ map[string]string) { p["mixer.in_proj.bias"] = NewTensor(16) },
		"overflow":  func(p parameters, _ map[string]string) { a := NewTensor(8, 16); a.Data[3] = 90; p["mixer.A_log"] = a },
		"residual":  func(_ parameters, m map[string]string) { m["residual"] = "perhaps" },
		"norm_eps":  func(_ parameters, m map[string]string) { m["norm_eps"] = "small" },
		"too large": func(_ parameters, m map[string]string) { m["norm_eps"] = "2" },
	} {
		p, m := parameters{}, map[string]string{}
		for k, v := range b.params {
			p[k] = v
		}
		for k, v := range b.metadata {
			m[k] = v
		}
		edit(p, m)
		_, err := LoadBlock(saveLayer(t, func(w *os.File) error { return p.write(w, m) }), &opts)
		assert.ErrorAs(t, err, new(*checkpoint.FormatError), name)
	}
	p := parameters{}
	for k, v := range b.params {
		p[k] = v
	}
	back, err := LoadBlock(saveLayer(t, func(w *os.File) error { return p.write(w, nil) }), &opts)
	require.NoError(t, err)
	assert.True(t, back.Config().Residual, "of a file that does not say")
	require.NoError(t, back.Close())
}
