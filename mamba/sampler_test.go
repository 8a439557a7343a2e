package mamba

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// logitsOf gives logits whose softmax at temperature 1 is p.
func logitsOf(p ...float64) []float32 {
	v := make([]float32, len(p))
	for i := range p {
		v[i] = float32(math.Log(p[i]) + 3)
	}
	return v
}

// chooseRows chooses a token at each of n places of a sequence that has the tokens
// seen, by the kernels' twins.
func chooseRows(opts GenerateOptions, logits []float32, width int, seen []int, n int) []uint32 {
	p, a := choosing(opts, logits, width, seen, n)
	cpu.Peaks(p, a.logits.f32, a.draws.u32, a.seen.u32, a.best.f32)
	c, best := opts.choice(width), a.best.f32
	if c.cut {
		cpu.Cut(p, a.logits.f32, a.best.f32, a.seen.u32, a.draws.u32, nil, nil)
	}
	if c.drawn {
		cpu.Gumbel(p, a.logits.f32, a.best.f32, a.draws.u32, a.seen.u32, a.scores.f32)
		best = a.scores.f32
	}
	cpu.Choose(p, best, a.seen.u32, a.draws.u32, a.chosen.u32, a.ids.u32)
	return a.ids.u32
}

// choosing is the arrays of choosing from the same logits at n places.
func choosing(opts GenerateOptions, logits []float32, width int, seen []int, n int) (shaders.ChoiceParams, activations[hostArray]) {
	c := opts.choice(width)
	b := batch{rows: n, length: 1, choice: c}
	p := b.choiceParams(ModelConfig{VocabSize: len(logits)})
	var a activations[hostArray]
	rows := make([]decodeRow, n)
	had := newIDSet(len(logits) + 8) // of more than the tokens that may be chosen
	for _, id := range seen {
		had.add(id)
	}
	for i := range rows {
		a.logits.f32 = append(a.logits.f32, logits...)
		rows[i] = decodeRow{draw: opts.draw(i), seen: had}
	}
	a.ids.u32, _, a.draws.u32, a.seen.u32 = layRows(rows, c)
	a.best.f32, a.scores.f32 = make([]float32, p.Best()), make([]float32, p.Best())
	a.chosen.u32 = make([]uint32, ring*n)
	return p, a
}

// drawing compares the frequencies of many draws with probabilities. The bound
// on chi square of at most seven degrees of freedom is passed by chance less
// than once in a million.
func drawing(t *testing.T, name string, opts GenerateOptions, logits []float32, seen []int, want ...float64) {
	t.Helper()
	opts.Seed = 42
	ids := chooseRows(opts, logits, len(logits), seen, 20_000)
	frequencies(t, name, ids, want)
}

func frequencies(t *testing.T, name string, ids []uint32, want []float64) {
	t.Helper()
	draws := float64(len(ids))
	counts := make([]int, len(want))
	for _, id := range ids {
		counts[id]++
	}
	chi := 0.0
	for i, p := range want {
		if p == 0 {
			assert.Zero(t, counts[i], "%s: token %d", name, i)
			continue
		}
		d := float64(counts[i]) - draws*p
		chi += d * d / (draws * p)
	}
	assert.Less(t, chi, 41.0, "%s: %v of %v", name, counts, want)
}

// normal divides by the sum.
func normal(p ...float64) []float64 {
	sum := 0.0
	for _, x := range p {
		sum += x
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// TestSamplerPlaces draws at each place of sequences, of equal tokens: what comes is
// uniform, tells nothing about the next, and depends on seed and place alone.
func TestSamplerPlaces(t *testing.T) {
	const places, bins = 1 << 16, 16
	for _, seed := range []uint64{0, 1, 1 << 32, math.MaxUint64} {
		opts := GenerateOptions{Seed: seed, Temperature: 1}
		ids := chooseRows(opts, make([]float32, bins), bins, nil, places)
		var pairs [bins][bins]float64
		for i := range places {
			pairs[ids[i]][ids[(i+1)%places]]++
		}
		chi, each := 0.0, float64(places)/(bins*bins)
		for _, row := range pairs {
			for _, n := range row {
				chi += (n - each) * (n - each) / each
			}
		}
		// 255 degrees of freedom: by chance above 375 once in a million.
		assert.Less(t, chi, 375.0, "seed %d", seed)
		assert.Equal(t, ids[:100], chooseRows(opts, make([]float32, bins), bins, nil, 100))
		opts.Seed++
		assert.NotEqual(t, ids[:100], chooseRows(opts, make([]float32, bins), bins, nil, 100))
	}
}

func TestSamplerFrequencies(t *testing.T) {
	p := []float64{0.1, 0.4, 0.05, 0.2, 0.25}
	l := logitsOf(p...)
	sq := func(x float64) float64 { return x * x }
	drawing(t, "temperature 1", GenerateOptions{Temperature: 1}, l, nil, p...)
	drawing(t, "temperature 1/2", GenerateOptions{Temperature: 0.5}, l, nil, normal(sq(0.1), sq(0.4), sq(0.05), sq(0.2), sq(0.25))...)
	drawing(t, "temperature 2", GenerateOptions{Temperature: 2}, l, nil,
		normal(math.Sqrt(0.1), math.Sqrt(0.4), math.Sqrt(0.05), math.Sqrt(0.2), math.Sqrt(0.25))...)
	drawing(t, "top k 2", GenerateOptions{Temperature: 1, TopK: 2}, l, nil, normal(0, 0.4, 0, 0, 0.25)...)
	drawing(t, "top k 1", GenerateOptions{Temperature: 1, TopK: 1}, l, nil, 0, 1, 0, 0, 0)
	drawing(t, "top k of more than all", GenerateOptions{Temperature: 1, TopK: 100}, l, nil, p...)
	drawing(t, "top p 0.6", GenerateOptions{Temperature: 1, TopP: 0.6}, l, nil, normal(0, 0.4, 0, 0, 0.25)...)
	drawing(t, "top p 0.7", GenerateOptions{Temperature: 1, TopP: 0.7}, l, nil, normal(0, 0.4, 0, 0.2, 0.25)...)
	drawing(t, "top p next to none", GenerateOptions{Temperature: 1, TopP: 1e-12}, l, nil, 0, 1, 0, 0, 0)
	drawing(t, "top p 1", GenerateOptions{Temperature: 1, TopP: 1}, l, nil, p...)
	drawing(t, "min p 0.45", GenerateOptions{Temperature: 1, MinP: 0.45}, l, nil, normal(0, 0.4, 0, 0.2, 0.25)...)
	drawing(t, "min p 1", GenerateOptions{Temperature: 1, MinP: 1}, l, nil, 0, 1, 0, 0, 0)
}

// TestSamplerOrder fixes the order of operations, each case giving another set
// in another order.
func TestSamplerOrder(t *testing.T) {
	l := logitsOf(0.4, 0.3, 0.2, 0.1)
	// Top k renormalises: 0.4/0.7 reaches 0.55, 0.4 alone would not.
	drawing(t, "top k, top p", GenerateOptions{Temperature: 1, TopK: 2, TopP: 0.55}, l, nil, 1, 0, 0, 0)
	drawing(t, "top p alone", GenerateOptions{Temperature: 1, TopP: 0.55}, l, nil, normal(0.4, 0.3, 0, 0)...)
	// Temperature 1/2 gives 0.533, 0.3, 0.133, 0.033: two reach 0.8, at temperature 1 three do.
	drawing(t, "temperature, top p", GenerateOptions{Temperature: 0.5, TopP: 0.8}, l, nil, normal(0.16, 0.09, 0, 0)...)
	drawing(t, "temperature, min p", GenerateOptions{Temperature: 0.5, MinP: 0.6}, l, nil, 1, 0, 0, 0)
	// The penalty comes first: 2/4 falls behind 1 and -1*4 to the end.
	drawing(t, "penalty, top k", GenerateOptions{Temperature: 1, RepetitionPenalty: 4, TopK: 2}, []float32{2, 1, 0, -1}, []int{0}, normal(math.Exp(0.5), math.E, 0, 0)...)
}

func TestSamplerPenalty(t *testing.T) {
	e := math.Exp
	l := []float32{2, 1, 0, -1}
	drawing(t, "of what was seen", GenerateOptions{Temperature: 1, RepetitionPenalty: 2}, l, []int{0, 3, 3, 9},
		normal(e(1), e(1), e(0), e(-2))...)
	drawing(t, "of nothing", GenerateOptions{Temperature: 1, RepetitionPenalty: 2}, l, nil, normal(e(2), e(1), e(0), e(-1))...)
	drawing(t, "below one", GenerateOptions{Temperature: 1, RepetitionPenalty: 0.5}, l, []int{1, 3}, normal(e(2), e(2), e(0), e(-0.5))...)
	assert.Equal(t, []uint32{1}, chooseRows(GenerateOptions{RepetitionPenalty: 3}, l, 4, []int{0}, 1))
	assert.Equal(t, choice{width: 4, penalty: true}, (&GenerateOptions{RepetitionPenalty: 3, TopK: 2}).choice(4))
	assert.Equal(t, choice{width: 4}, (&GenerateOptions{RepetitionPenalty: 1}).choice(4))
	assert.Equal(t, choice{width: 4, drawn: true}, (&GenerateOptions{Temperature: 1, TopP: 1, MinP: 0.1}).choice(4))
}

// TestSamplerExtremes keeps the choice a number whatever the options.
func TestSamplerExtremes(t *testing.T) {
	l := []float32{-3, 5, math.MaxFloat32, -math.MaxFloat32, math.MaxFloat32}
	for _, temperature := range []float64{math.SmallestNonzeroFloat64, 1e-300, 1e-3, 1} {
		for _, penalty := range []float64{0, math.SmallestNonzeroFloat64, 1e300} {
			name := fmt.Sprint(temperature, " ", penalty)
			opts := GenerateOptions{Temperature: temperature, RepetitionPenalty: penalty, TopP: 0.9}
			seen := []int{3}
			if penalty != 1e300 {
				seen = append(seen, 2)
			}
			for _, id := range chooseRows(opts, l, len(l), seen, 10) {
				assert.Contains(t, []uint32{2, 4}, id, name)
			}
		}
	}
	drawing(t, "hot", GenerateOptions{Temperature: math.MaxFloat64}, l, nil, 0.2, 0.2, 0.2, 0.2, 0.2)
}

// TestSamplerGreedy takes the first of the largest logits.
func TestSamplerGreedy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Map(rapid.IntRange(-3, 3), func(i int) float32 { return float32(i) }), 1, 30).Draw(t, "logits")
		limit := rapid.IntRange(1, len(logits)).Draw(t, "limit")
		assert.EqualValues(t, argmaxOf(logits[:limit]), chooseRows(GenerateOptions{}, logits, limit, nil, 1)[0])
		drawn := chooseRows(GenerateOptions{Temperature: 1, Seed: 1}, logits, limit, nil, 1)[0]
		assert.Less(t, int(drawn), limit)
	})
}

// TestSamplerTies draws the first of equal candidates that are cut.
func TestSamplerTies(t *testing.T) {
	l := []float32{1, 2, 2, 2}
	drawing(t, "top k", GenerateOptions{Temperature: 1, TopK: 2}, l, nil, 0, 0.5, 0.5, 0)
	drawing(t, "top p", GenerateOptions{Temperature: 1, TopP: 0.01}, l, nil, 0, 1, 0, 0)
}

// TestSamplerOnDevice draws by the kernels at many places: the tokens are the twins'
// but for one in a thousand, where two lie next to each other within rounding, and
// their frequencies are right by themselves.
func TestSamplerOnDevice(t *testing.T) {
	dev := device(t)
	const draws = 1000
	p := normal(0.3, 0.2, 0.1, 0.15, 0.05, 0.12, 0.08)
	l := logitsOf(p...)
	for name, c := range map[string]struct {
		opts GenerateOptions
		seen []int
		want []float64
	}{
		"temperature":  {GenerateOptions{Temperature: 1}, nil, p},
		"min p":        {GenerateOptions{Temperature: 1, MinP: 0.45}, nil, normal(0.3, 0.2, 0, 0.15, 0, 0, 0)},
		"top k":        {GenerateOptions{Temperature: 1, TopK: 3}, nil, normal(0.3, 0.2, 0, 0.15, 0, 0, 0)},
		"top p":        {GenerateOptions{Temperature: 1, TopP: 0.7}, nil, normal(0.3, 0.2, 0, 0.15, 0, 0.12, 0)},
		"top k, top p": {GenerateOptions{Temperature: 1, TopK: 3, TopP: 0.7}, nil, normal(0.3, 0.2, 0, 0, 0, 0, 0)},
		"penalty":      {GenerateOptions{Temperature: 1, TopK: 2, RepetitionPenalty: 4}, []int{0, 1}, normal(0, 0, 0, 0.15, 0, 0.12, 0)},
	} {
		c.opts.Seed = 11
		want := chooseRows(c.opts, l, len(l), c.seen, draws)
		got := chooseOnDevice(t, dev, c.opts, l, c.seen, draws)
		differ := 0
		for i := range got {
			if got[i] != want[i] {
				differ++
			}
		}
		assert.LessOrEqual(t, differ, draws/1000, name)
		frequencies(t, name, got, c.want)
	}
}

// chooseOnDevice is chooseRows by the kernels.
func chooseOnDevice(t *testing.T, dev *wgpu.Device, opts GenerateOptions, logits []float32, seen []int, n int) []uint32 {
	p, host := choosing(opts, logits, len(logits), seen, n)
	g := &gpuBackend{dev: dev, kernels: shaders.New(dev), net: &network[*wgpu.Buffer]{config: ModelConfig{VocabSize: len(logits)}}}
	b := batch{rows: n, length: 1, output: lastChoice, choice: opts.choice(len(logits))}
	require.NoError(t, g.reserveChoice(b))
	a := &g.net.act
	var err error
	a.logits, err = dev.NewBuffer("logits", uint64(4*len(host.logits.f32)))
	require.NoError(t, err)
	a.ids, err = dev.NewBuffer("ids", uint64(4*n))
	require.NoError(t, err)
	defer closeAll(append(g.choiceBuffers(), a.logits, a.ids))
	require.NoError(t, wgpu.Upload(a.logits, 0, host.logits.f32))
	require.NoError(t, wgpu.Upload(a.draws, 0, host.draws.u32))
	require.NoError(t, wgpu.Upload(a.seen, 0, host.seen.u32))
	r := &recorder{backend: g, plan: &plan{batch: b}}
	r.next()
	g.net.choose(r, b)
	require.NoError(t, r.err)
	defer r.plan.close()
	ids := make([]uint32, p.Rows)
	require.NoError(t, wgpu.SubmitDownload(r.pass, a.ids, 0, ids))
	return ids
}
