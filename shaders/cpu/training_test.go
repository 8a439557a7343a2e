package cpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plus is x and y added up.
func plus(x []float64, y []float32) []float64 {
	sum := slices.Clone(x)
	for i := range sum {
		sum[i] += float64(y[i])
	}
	return sum
}

// TestRMSNormBackward holds the gradients against differences of the equation.
func TestRMSNormBackward(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	for _, add := range []bool{false, true} {
		p := shaders.RMSNormBackwardParams{Rows: 3, Width: 5, Eps: 0.1, Add: add} // an Eps that counts
		x, weight, dy := random(rng, 15, -1, 1), random(rng, 5, 0.5, 1.5), random(rng, 15, -1, 1)
		x64, weight64 := wide(x), wide(weight)
		loss := func() (sum float64) {
			for i, v := range x64 {
				squares := 0.0
				for _, w := range x64[i/5*5 : i/5*5+5] {
					squares += w * w
				}
				sum += float64(dy[i]) * v / math.Sqrt(squares/5+float64(p.Eps)) * weight64[i%5]
			}
			return sum
		}
		old, oldWeight := random(rng, 15, -1, 1), random(rng, 5, -1, 1)
		dx, dweight := slices.Clone(old), slices.Clone(oldWeight)
		cpu.RMSNormBackward(p, x, weight, dy, dx, dweight)
		want := slopes(loss, x64)
		if add {
			want = plus(want, old)
		}
		nearSlopes(t, want, dx, "dx")
		nearSlopes(t, plus(slopes(loss, weight64), oldWeight), dweight, "dweight")
	}
}

// TestLayerNormBackward holds the gradients against differences of the equation.
func TestLayerNormBackward(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 5))
	for _, add := range []bool{false, true} {
		p := shaders.LayerNormBackwardParams{Rows: 3, Width: 5, Eps: 0.1, Add: add}
		x, weight, dy := random(rng, 15, -1, 2), random(rng, 5, 0.5, 1.5), random(rng, 15, -1, 1)
		x64, weight64, bias64 := wide(x), wide(weight), wide(random(rng, 5, -1, 1))
		loss := func() (sum float64) {
			for i, v := range x64 {
				mean, squares := 0.0, 0.0
				for _, w := range x64[i/5*5 : i/5*5+5] {
					mean += w / 5
					squares += w * w / 5
				}
				n := (v - mean) / math.Sqrt(squares-mean*mean+float64(p.Eps))
				sum += float64(dy[i]) * (n*weight64[i%5] + bias64[i%5])
			}
			return sum
		}
		old, oldWeight, oldBias := random(rng, 15, -1, 1), random(rng, 5, -1, 1), random(rng, 5, -1, 1)
		dx, dweight, dbias := slices.Clone(old), slices.Clone(oldWeight), slices.Clone(oldBias)
		cpu.LayerNormBackward(p, x, weight, dy, dx, dweight, dbias)
		want := slopes(loss, x64)
		if add {
			want = plus(want, old)
		}
		nearSlopes(t, want, dx, "dx")
		nearSlopes(t, plus(slopes(loss, weight64), oldWeight), dweight, "dweight")
		nearSlopes(t, plus(slopes(loss, bias64), oldBias), dbias, "dbias")
	}
}

// TestCausalConvBackward holds the gradients against differences of the equation, for
// sequences longer and shorter than the filter.
func TestCausalConvBackward(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for _, length := range []int{1, 2, 3, 4, 9} {
		for bits := range 4 {
			p := shaders.CausalConvParams{
				Batch: 2, Length: length, Channels: 3, Width: 4, Stride: 5, Offset: 1,
				Bias: bits&1 != 0, SiLU: bits&2 != 0, Fresh: true,
			}
			t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) { checkConvBackward(t, rng, p) })
		}
	}
}

func checkConvBackward(t *testing.T, rng *rand.Rand, p shaders.CausalConvParams) {
	rows, words := p.Batch*p.Length, p.Channels*p.Width
	if p.Bias {
		words += p.Channels
	}
	x, weights, dy := random(rng, rows*p.Stride, -1, 1), random(rng, words, -1, 1), random(rng, rows*p.Channels, -1, 1)
	x64, weights64 := wide(x), wide(weights)
	loss := func() (sum float64) {
		for i, d := range dy {
			row, e := i/p.Channels, i%p.Channels
			s := 0.0
			if p.Bias {
				s = weights64[p.Channels*p.Width+e]
			}
			for k := range p.Width {
				if back := p.Width - 1 - k; back <= row%p.Length {
					s += weights64[e*p.Width+k] * x64[(row-back)*p.Stride+p.Offset+e]
				}
			}
			if p.SiLU {
				s /= 1 + math.Exp(-s)
			}
			sum += float64(d) * s
		}
		return sum
	}
	old := random(rng, words, -1, 1)
	dx, dweights := constant(rows*p.Stride, 77), slices.Clone(old)
	cpu.CausalConvBackward(p, x, weights, dy, dx, dweights)
	want := slopes(loss, x64)
	for i := range want {
		if e := i%p.Stride - p.Offset; e < 0 || e >= p.Channels {
			require.EqualValues(t, 77, dx[i], "columns of others")
			dx[i] = 0
		}
	}
	nearSlopes(t, want, dx, "dx")
	nearSlopes(t, plus(slopes(loss, weights64), old), dweights, "dweights")
}

// TestEmbeddingBackward adds up rows by the definition.
func TestEmbeddingBackward(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	const width, rows = 3, 10
	for _, tokens := range []int{1, 31, 33, 65, 500} {
		ids := make([]uint32, tokens)
		for i := range ids {
			ids[i] = uint32(rng.IntN(rng.IntN(14) + 1)) // small ones often, and some past the table
		}
		for _, first := range []int{0, 2} {
			dx, table := integers(tokens*width, 97), integers(rows*width, 89) // sums are exact
			want := slices.Clone(table)
			for i, id := range ids {
				if row := int(id) - first; row >= 0 && row < rows {
					for c := range width {
						want[row*width+c] += dx[i*width+c]
					}
				}
			}
			p := shaders.EmbeddingBackwardParams{Tokens: tokens, Width: width, FirstRow: first, Rows: rows}
			cpu.EmbeddingBackward(p, shaders.EmbeddingPlaces(ids), dx, table)
			require.Equal(t, want, table, "%d tokens from %d", tokens, first)
		}
	}
}

// TestCrossEntropy holds losses against their definition and gradients against
// differences of it.
func TestCrossEntropy(t *testing.T) {
	const rows, vocab = 4, 6
	rng := rand.New(rand.NewPCG(5, 5))
	p := shaders.CrossEntropyParams{Rows: rows, Vocab: vocab, OffTarget: 1, OffLoss: 2, Scale: 0.25}
	targets := []uint32{99, 3, 0, shaders.NoTarget, 5}
	logits := random(rng, rows*vocab, -4, 4)
	logits64 := wide(logits)
	of := func(r int) float64 {
		sum := 0.0
		for _, v := range logits64[r*vocab : (r+1)*vocab] {
			sum += math.Exp(v)
		}
		return math.Log(sum) - logits64[r*vocab+int(targets[1+r])]
	}
	loss := func() float64 { return float64(p.Scale) * (of(0) + of(1) + of(3)) }
	losses, before := constant(2+rows, -1), slices.Clone(logits)
	cpu.CrossEntropy(p, logits, targets, losses)
	require.Equal(t, before, logits, "without Gradient logits stay")
	want := []float64{-1, -1, of(0), of(1), 0, of(3)}
	nearSlopes(t, want, losses, "losses")

	p.Gradient = true
	cpu.CrossEntropy(p, logits, targets, losses)
	nearSlopes(t, want, losses, "losses")
	nearSlopes(t, slopes(loss, logits64), logits, "gradient")

	logits[0] = float32(math.Inf(1))
	cpu.CrossEntropy(p, logits, targets, losses)
	assert.True(t, math.IsNaN(float64(losses[2])), "an infinite logit shows in the loss")
}

// TestClipScale: the norm of a vector in several parts, and what brings it down.
func TestClipScale(t *testing.T) {
	x := constant(2*shaders.RunLength+1, 0)
	x[0], x[shaders.RunLength], x[2*shaders.RunLength] = 99, 3, 4
	runs := shaders.CutRuns([]shaders.Run{{First: 1, Count: len(x) - 1}})
	squares := shaders.SquareSumsParams{Runs: len(runs), Elements: len(x), OffOut: 1}
	parts := constant(1+len(runs), 0)
	cpu.SquareSums(squares, shaders.RunWords(runs), x, parts)
	require.Equal(t, []float32{0, 9, 16}, parts)
	for most, want := range map[float32]float64{0: 1, 10: 1, 2.5: 2.5 / (5 + 1e-6)} {
		control := constant(shaders.ControlWords, 7)
		cpu.ClipScale(shaders.ClipScaleParams{Parts: 3, MaxNorm: most}, parts, control)
		assert.Equal(t, []float32{7, 7, 7, float32(want), 5, 7, 7, 7}, control)
	}
}

// TestAdamW follows PyTorch's steps, in float64: decay first, where it applies, then the
// moments, then the bias-corrected step.
func TestAdamW(t *testing.T) {
	const rate, n = 0.01, 7
	rng := rand.New(rand.NewPCG(6, 5))
	runs := shaders.RunWords([]shaders.Run{{First: 1, Count: 3, Decays: true}, {First: 4, Count: 2}})
	p := shaders.AdamWParams{Runs: 2, Elements: n, Beta1: 0.9, Beta2: 0.95, Eps: 1e-3, WeightDecay: 0.3}
	w, m, v := random(rng, n, -1, 1), make([]float32, n), make([]float32, n)
	first := slices.Clone(w)
	w64, m64, v64 := wide(w), wide(m), wide(v)
	for step := 1; step <= 20; step++ {
		g, scale := random(rng, n, -1, 1), 1/float32(step)
		correct1, correct2 := 1-math.Pow(p.Beta1, float64(step)), 1-math.Pow(p.Beta2, float64(step))
		control := make([]float32, shaders.ControlWords)
		copy(control, []float32{rate, float32(1 / correct1), float32(1 / correct2), scale})
		cpu.AdamW(p, runs, g, control, w, m, v)
		for i := 1; i < n-1; i++ {
			grad := float64(g[i]) * float64(scale)
			if i < 4 {
				w64[i] *= 1 - rate*p.WeightDecay
			}
			m64[i] += (grad - m64[i]) * (1 - p.Beta1)
			v64[i] = v64[i]*p.Beta2 + grad*grad*(1-p.Beta2)
			w64[i] -= rate / correct1 * m64[i] / (math.Sqrt(v64[i])/math.Sqrt(correct2) + p.Eps)
		}
	}
	nearSlopesTo(t, w64, w, 1e-6, "parameter")
	nearSlopesTo(t, m64, m, 1e-6, "m")
	nearSlopesTo(t, v64, v, 1e-6, "v")
	assert.Equal(t, []float32{first[0], first[n-1]}, []float32{w[0], w[n-1]}, "what is not asked for stays")
}

// TestLogDecaysBackward holds the gradients against differences of LogDecays' equation.
func TestLogDecaysBackward(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 5))
	p := shaders.LogDecaysParams{Channels: 2, States: 3, Rest: 4}
	log, dweights, old := random(rng, 10, -2, 2), random(rng, 10, -1, 1), random(rng, 10, -1, 1)
	log64 := wide(log)
	loss := func() (sum float64) {
		for i, v := range log64 {
			if i < 6 {
				v = -math.Exp(v)
			}
			sum += v * float64(dweights[i])
		}
		return sum
	}
	weights := make([]float32, 10)
	cpu.LogDecays(p, log, weights)
	want := make([]float64, 10)
	for i, v := range log64 {
		want[i] = v
		if i < 6 {
			want[i] = -math.Exp(v)
		}
	}
	nearSlopes(t, want, weights, "weights")
	dlog := slices.Clone(old)
	cpu.LogDecaysBackward(p, weights, dweights, dlog)
	nearSlopes(t, plus(slopes(loss, log64), old), dlog, "dlog")
}

func TestSumByHand(t *testing.T) {
	out := []float32{1, 1}
	cpu.Sum(shaders.SumParams{First: 1, Count: 3, OffOut: 1}, []float32{9, 1, 2, 4, 9}, out)
	assert.Equal(t, []float32{1, 7}, out)
}
