package mamba

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// initConfig is large enough for statistics.
func initConfig() ModelConfig {
	return ModelConfig{
		Layout: checkpoint.HuggingFace, DModel: 64, NLayer: 4, DInner: 128, DState: 16, DConv: 4, DTRank: 5,
		VocabSize: 500, NormEps: 1e-5, UseBias: true, UseConvBias: true,
	}
}

func initTensor(t *testing.T, c ModelConfig, seed uint64, name string) []float32 {
	t.Helper()
	src, err := newRandomSource(c, seed)
	require.NoError(t, err)
	x, err := src.Tensor(name)
	require.NoError(t, err)
	values, err := x.Float32(nil)
	require.NoError(t, err)
	return values
}

// moments are the mean, the standard deviation and the largest magnitude.
func moments(v []float32) (mean, std, largest float64) {
	for _, x := range v {
		mean += float64(x) / float64(len(v))
		largest = max(largest, math.Abs(float64(x)))
	}
	for _, x := range v {
		std += (float64(x) - mean) * (float64(x) - mean) / float64(len(v))
	}
	return mean, math.Sqrt(std), largest
}

// TestInitialisation checks every tensor against the formulas of the reference
// implementation.
func TestInitialisation(t *testing.T) {
	c := initConfig()
	bounds := map[string]float64{ // of uniform distributions
		"in_proj.weight":  1 / math.Sqrt(64),
		"x_proj.weight":   1 / math.Sqrt(128),
		"out_proj.weight": 1 / math.Sqrt(128) / math.Sqrt(4),
		"dt_proj.weight":  1 / math.Sqrt(5),
		"conv1d.weight":   1 / math.Sqrt(4),
		"conv1d.bias":     1 / math.Sqrt(4),
		"lm_head.weight":  1 / math.Sqrt(64),
	}
	for name, shape := range c.Shapes() {
		v := initTensor(t, c, 1, name)
		require.Len(t, v, product(shape), name)
		mean, std, largest := moments(v)
		part := name[strings.LastIndex(name[:strings.LastIndexAny(name, ".")], ".")+1:]
		switch bound, uniform := bounds[part]; {
		case uniform:
			assert.LessOrEqual(t, largest, bound, name)
			assert.Greater(t, largest, 0.9*bound, name)
			assert.InDelta(t, 0, mean, 0.2*bound, name)
			assert.InDelta(t, bound/math.Sqrt(3), std, 0.15*bound, name)
		case strings.HasSuffix(name, "A_log"):
			for i, x := range v {
				require.Equal(t, float32(math.Log(float64(i%16+1))), x, name)
			}
		case part == "dt_proj.bias":
			checkSteps(t, v)
		case strings.HasSuffix(name, "embeddings.weight"):
			assert.InDelta(t, 0, mean, 0.001)
			assert.InDelta(t, 0.02, std, 0.001)
		case part == "in_proj.bias", part == "out_proj.bias":
			assert.Zero(t, largest, name)
		default: // norms and D
			assert.Equal(t, []float64{1, 0, 1}, []float64{mean, std, largest}, name)
		}
	}
}

// checkSteps requires softplus of the biases to be log-uniform in [1e-3, 1e-1].
func checkSteps(t *testing.T, v []float32) {
	sum := 0.0
	for _, x := range v {
		step := math.Log1p(math.Exp(float64(x)))
		assert.GreaterOrEqual(t, step, 1e-3*(1-1e-5))
		assert.LessOrEqual(t, step, 1e-1*(1+1e-5))
		sum += math.Log10(step)
	}
	assert.InDelta(t, -2, sum/float64(len(v)), 0.2, "half of the steps are below 1e-2")
}

func TestInitialisationSeeds(t *testing.T) {
	c := initConfig()
	seen := map[float32]string{}
	for name := range c.Shapes() {
		v := initTensor(t, c, 1, name)
		assert.Equal(t, v, initTensor(t, c, 1, name), name)
		_, std, _ := moments(v)
		if std == 0 || strings.HasSuffix(name, "A_log") {
			continue
		}
		assert.NotEqual(t, v, initTensor(t, c, 2, name), name)
		assert.Empty(t, seen[v[0]], "%s is as another tensor", name)
		seen[v[0]] = name
	}
	withOptions(t, func(t *testing.T, opts Options) {
		logits := func(seed uint64) []float32 {
			m, err := New(tiny(), seed, &opts)
			require.NoError(t, err)
			defer m.Close()
			require.Nil(t, m.Tokenizer())
			return alone(t, m, []int{1, 2, 3})
		}
		require.Equal(t, logits(5), logits(5))
		require.NotEqual(t, logits(5), logits(6))
	})
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(c *ModelConfig){
		"d_model 0":     func(c *ModelConfig) { c.DModel = 0 },
		"no layer":      func(c *ModelConfig) { c.NLayer = 0 },
		"d_inner -1":    func(c *ModelConfig) { c.DInner = -1 },
		"d_state 257":   func(c *ModelConfig) { c.DState = 257 },
		"d_state 0":     func(c *ModelConfig) { c.DState = 0 },
		"d_conv 9":      func(c *ModelConfig) { c.DConv = 9 },
		"d_conv 1":      func(c *ModelConfig) { c.DConv = 1 },
		"dt_rank 0":     func(c *ModelConfig) { c.DTRank = 0 },
		"no vocabulary": func(c *ModelConfig) { c.VocabSize = 0 },
		"epsilon 0":     func(c *ModelConfig) { c.NormEps = 0 },
		"epsilon NaN":   func(c *ModelConfig) { c.NormEps = math.NaN() },
	} {
		c := tiny()
		change(&c)
		_, err := New(c, 1, &Options{Adapter: GoAdapter})
		require.ErrorAs(t, err, new(*checkpoint.FormatError), name)
	}
	_, err := New(tiny(), 1, &Options{Adapter: GoAdapter, Tokenizer: "none.json"})
	require.ErrorContains(t, err, "none.json")
}
