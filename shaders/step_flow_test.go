package shaders

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestBinsHaveNoOrder adds as many parts as a sum may have, of all sizes, in several orders:
// the words are the same, and the sum is as near as each part's rounding says.
func TestBinsHaveNoOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, span := range []float64{1, 20, 200} { // of exponents
		parts := make([]float32, MaxFlowParts)
		exact, size := 0.0, 0.0
		for i := range parts {
			parts[i] = float32(math.Ldexp(r.Float64()*2-1, int(span*(r.Float64()-0.5))))
			exact += float64(parts[i])
			size += math.Abs(float64(parts[i]))
		}
		var first []uint32
		for range 5 {
			words := make([]uint32, flowFlagWords+FlowBins)
			for _, v := range parts {
				addToBins(words, 1, []float32{v})
			}
			if first == nil {
				first = words
			}
			assert.Equal(t, first, words)
			sum := make([]float32, 1)
			sumBins(words, 1, sum)
			assert.InDelta(t, exact, float64(sum[0]), size*0x1p-23+math.Abs(exact)*0x1p-23)
			r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		}
	}
}

// TestBinsHoldTheMost adds the largest number of each bin as often as a sum may have parts:
// no word overflows.
func TestBinsHoldTheMost(t *testing.T) {
	for bin := 1; bin < FlowBins; bin++ {
		v := math.Float32frombits(uint32(127+flowBinLowest+flowBinBits*(bin+1))<<23 - 1)
		for _, v := range []float32{v, -v} {
			words, sum := make([]uint32, flowFlagWords+FlowBins), make([]float32, 1)
			for range MaxFlowParts {
				addToBins(words, 1, []float32{v})
			}
			sumBins(words, 1, sum)
			if bin == FlowBins-1 { // of the largest float32
				assert.Equal(t, v*MaxFlowParts, sum[0])
				continue
			}
			assert.InEpsilon(t, MaxFlowParts*float64(v), float64(sum[0]), 0x1p-22, "bin %d", bin)
		}
	}
}

// TestBinsOfNoNumber has a sum of what is no finite number.
func TestBinsOfNoNumber(t *testing.T) {
	for _, v := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
		words, sum := make([]uint32, flowFlagWords+FlowBins), make([]float32, 1)
		addToBins(words, 1, []float32{1})
		addToBins(words, 1, []float32{float32(v)})
		sumBins(words, 1, sum)
		assert.True(t, math.IsNaN(float64(sum[0])), v)
	}
}
