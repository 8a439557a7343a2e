package shaders

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQuantizeLayout(t *testing.T) {
	// A scale of 1 for each row; the rest of 16 columns is zero.
	image := Quantize(Q8, []float32{127, -3, 0, 1, 2, -127}, 3)
	require.Len(t, image, 2*16+2*4)
	assert.Equal(t, []byte{127, 0xfd, 0, 0}, image[:4])
	assert.Equal(t, []byte{1, 2, 0x81, 0}, image[16:20])
	assert.Equal(t, []byte{0, 0, 0x80, 0x3f}, image[32:36])

	// One group: -8 to 7 with a scale of 1, then zeros, which are 8.
	values := make([]float32, 16)
	for i := range values {
		values[i] = float32(i - 8)
	}
	image = Quantize(Q4, values, 16)
	require.Len(t, image, 16+4)
	assert.Equal(t, []byte{0x40, 0x51, 0x62, 0x73, 0xc8, 0xd9, 0xea, 0xfb}, image[:8])
	assert.Equal(t, []byte{0x88, 0x88, 0x88, 0x88}, image[12:16])
	assert.Equal(t, []byte{0, 0x3c}, image[16:18])
	assert.Equal(t, values, Dequantize(Q4, image, 1, 16))
}

// TestQuantizeError checks that no number is off by more than half a step, the
// step being the largest number's share. Q4 has a wider bound, because it cuts a
// group's largest number where that makes the sum of squared errors less.
func TestQuantizeError(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const rows, cols = 5, 77
	values := make([]float32, rows*cols)
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	for _, c := range []struct {
		t     DType
		group int
		steps float64
	}{{Q8, cols, 127}, {Q4, Q4Group, 4}} {
		got := Dequantize(c.t, Quantize(c.t, values, cols), rows, cols)
		for r := range rows {
			for first := 0; first < cols; first += c.group {
				last := min(first+c.group, cols)
				largest := 0.0
				for _, v := range values[r*cols+first : r*cols+last] {
					largest = max(largest, math.Abs(float64(v)))
				}
				for i := r*cols + first; i < r*cols+last; i++ {
					assert.InDelta(t, values[i], got[i], 0.51*largest/c.steps+1e-6, "%v, element %d", c.t, i)
				}
			}
		}
	}
}

func TestQuantizeZeros(t *testing.T) {
	for _, d := range []DType{Q8, Q4} {
		assert.Equal(t, make([]float32, 40), Dequantize(d, Quantize(d, make([]float32, 40), 40), 1, 40), "%v", d)
	}
}
