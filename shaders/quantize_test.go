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

// TestQuantizeQ4Scale compares scales with the best of many by squared error, and
// with the plain one, a seventh of the largest number.
func TestQuantizeQ4Scale(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	squared := func(group []float32, scale float64) float64 {
		sum := 0.0
		for _, v := range group {
			q := min(max(math.RoundToEven(float64(v)/scale), -8), 7)
			sum += (float64(v) - q*scale) * (float64(v) - q*scale)
		}
		return sum
	}
	var sum, best, plain float64
	for range 200 {
		group := make([]float32, Q4Group)
		largest := 0.0
		for i := range group {
			group[i] = float32(rng.NormFloat64())
			largest = max(largest, math.Abs(float64(group[i])))
		}
		sum += squared(group, float64(scaleQ4(group).Float32()))
		plain += squared(group, largest/7)
		least := math.Inf(1)
		for i := range 2000 {
			s := largest / (4 + 6*float64(i)/2000)
			least = min(least, squared(group, s), squared(group, -s))
		}
		best += least
	}
	t.Logf("squared error %.3f, best %.3f, plain %.3f", sum, best, plain)
	assert.Less(t, sum, 1.02*best)
	assert.Less(t, sum, 0.9*plain)
}

// TestQuantizeExtremes checks the largest and the smallest numbers: none becomes
// infinite or changes its sign, and no scale is a negative zero.
func TestQuantizeExtremes(t *testing.T) {
	for _, d := range []DType{Q8, Q4} {
		for _, v := range []float32{Limit(d), -Limit(d), 1e-9, -1e-9, 1e-30, -1e-30, math.SmallestNonzeroFloat32, 3e-7, -3e-7} {
			values := []float32{0, v, v / 2, 0}
			image := Quantize(d, values, 4)
			scales := image[RowBytes(d, 4):]
			if d == Q8 {
				assert.Zero(t, scales[3]&0x80, "%v of %g", d, v)
			} else {
				assert.NotEqual(t, []byte{0, 0x80}, scales[:2], "%v of %g", d, v)
			}
			for i, got := range Dequantize(d, image, 1, 4) {
				assert.False(t, math.IsInf(float64(got), 0) || math.IsNaN(float64(got)), "%v of %g: %g", d, v, got)
				assert.GreaterOrEqual(t, got*values[i], float32(0), "%v of %g", d, v)
				assert.InDelta(t, values[i], got, 0.13*math.Abs(float64(v))+1e-6, "%v of %g", d, v)
			}
		}
	}
}

// TestQuantizeRows checks rows in places of their own against a whole matrix: those
// of Q8 without padding, too.
func TestQuantizeRows(t *testing.T) {
	const rows, cols = 3, 37
	values := make([]float32, rows*cols)
	for i := range values {
		values[i] = float32(i%11) - 5
	}
	for _, d := range []DType{Q8, Q4} {
		image := Quantize(d, values, cols)
		widths := []int{RowBytes(d, cols)}
		if d == Q8 {
			widths = append(widths, cols)
		}
		for _, width := range widths {
			elements, scales := make([]byte, rows*width), make([]byte, rows*ScaleBytes(d, cols))
			QuantizeRows(d, elements, scales, values, cols)
			for r := range rows {
				require.Equal(t, image[r*RowBytes(d, cols):][:width], elements[r*width:][:width], "%v, row %d", d, r)
			}
			require.Equal(t, image[rows*RowBytes(d, cols):][:len(scales)], scales)
		}
	}
}
