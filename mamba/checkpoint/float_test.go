package checkpoint_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"
	"pgregory.net/rapid"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

func decode1(t require.TestingT, d checkpoint.DType, raw []byte) float32 {
	var v [1]float32
	require.NoError(t, checkpoint.Decode(d, v[:], raw))
	return v[0]
}

func encode16(t require.TestingT, d checkpoint.DType, f float32) uint16 {
	raw, err := checkpoint.Encode(d, []float32{f})
	require.NoError(t, err)
	return binary.LittleEndian.Uint16(raw)
}

// same compares bits, all NaN being one.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestEveryHalf(t *testing.T) {
	for i := range 1 << 16 {
		got := decode1(t, checkpoint.F16, binary.LittleEndian.AppendUint16(nil, uint16(i)))
		want := float16.Frombits(uint16(i)).Float32()
		if !same(got, want) {
			t.Fatalf("F16 %#04x: got %v, want %v", i, got, want)
		}
		if back := encode16(t, checkpoint.F16, got); got == got && back != uint16(i) {
			t.Fatalf("F16 %#04x comes back as %#04x", i, back)
		}
	}
}

func TestEveryBrain(t *testing.T) {
	for i := range 1 << 16 {
		got := decode1(t, checkpoint.BF16, binary.LittleEndian.AppendUint16(nil, uint16(i)))
		if want := math.Float32frombits(uint32(i) << 16); !same(got, want) {
			t.Fatalf("BF16 %#04x: got %v, want %v", i, got, want)
		}
		back := encode16(t, checkpoint.BF16, got)
		if got == got && back != uint16(i) || got != got && back&0x7fff <= 0x7f80 {
			t.Fatalf("BF16 %#04x comes back as %#04x", i, back)
		}
	}
}

// TestHalfwayPoints rounds the midpoints of all neighbours and what lies one
// unit beside them: the nearest wins, and the even one in the middle.
func TestHalfwayPoints(t *testing.T) {
	for i := uint32(0); i < 0x7f80; i++ {
		mid := i<<16 | 0x8000
		require.Equal(t, uint16(i), encode16(t, checkpoint.BF16, math.Float32frombits(mid-1)))
		require.Equal(t, uint16(i+i&1), encode16(t, checkpoint.BF16, math.Float32frombits(mid)))
		require.Equal(t, uint16(i+1), encode16(t, checkpoint.BF16, math.Float32frombits(mid+1)))
	}
	for i := uint32(0); i < 0x7c00; i++ {
		low, high := float16.Frombits(uint16(i)).Float32(), float16.Frombits(uint16(i+1)).Float32()
		if i == 0x7bff {
			high = 0x1p16
		}
		mid := math.Float32bits((low + high) / 2)
		require.Equal(t, uint16(i), encode16(t, checkpoint.F16, math.Float32frombits(mid-1)))
		require.Equal(t, uint16(i+i&1), encode16(t, checkpoint.F16, math.Float32frombits(mid)))
		require.Equal(t, uint16(i+1), encode16(t, checkpoint.F16, math.Float32frombits(mid+1)))
	}
}

func TestHalfOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := math.Float32frombits(rapid.Uint32().Draw(t, "bits"))
		got := encode16(t, checkpoint.F16, f)
		if f != f {
			require.Greater(t, got&0x7fff, uint16(0x7c00))
			return
		}
		require.Equal(t, float16.Fromfloat32(f).Bits(), got)
	})
}

func TestSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, f := range []float32{0, float32(math.Copysign(0, -1)), 1, -1.5, inf, -inf, nan, 0x1p-24, -0x1p-14} {
		for _, d := range []checkpoint.DType{checkpoint.F32, checkpoint.F16, checkpoint.BF16, checkpoint.F64} {
			data, err := checkpoint.Encode(d, []float32{f})
			require.NoError(t, err)
			require.Len(t, data, d.Size())
			require.True(t, same(f, decode1(t, d, data)), "%v of %v", d, f)
		}
	}
	require.Equal(t, uint16(0x7c00), encode16(t, checkpoint.F16, 65520))
	require.Equal(t, uint16(0xfbff), encode16(t, checkpoint.F16, -65519))
	require.Equal(t, uint16(0x7f80), encode16(t, checkpoint.BF16, math.MaxFloat32))
	require.Equal(t, inf, decode1(t, checkpoint.F64, binary.LittleEndian.AppendUint64(nil, math.Float64bits(1e300))))
}

func TestConversionErrors(t *testing.T) {
	formatError(t, checkpoint.Decode(checkpoint.I32, nil, nil), "I32", "F32, F16, BF16 or F64")
	formatError(t, checkpoint.Decode(checkpoint.F16, make([]float32, 2), make([]byte, 3)), "3 bytes", "4 bytes")
	_, err := checkpoint.Encode(checkpoint.Bool, []float32{1})
	formatError(t, err, "BOOL")
	_, err = checkpoint.Encode(0, nil)
	formatError(t, err, "DType(0)")
	require.Zero(t, checkpoint.DType(200).Size())
}
