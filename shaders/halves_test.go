package shaders_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/x448/float16"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// TestHalvesAreNearest has a product with 1 write numbers as halves: bits for bits the
// nearest, of which there is one for every number, on every device.
func TestHalvesAreNearest(t *testing.T) {
	var x []float32
	for h := range 1 << 16 { // every finite half, and what lies around the middle between it and the next
		v := float16.Float16(h).Float32()
		if v-v != 0 || v == 0 {
			continue
		}
		next := float16.Float16(h + 1).Float32()
		middle := v + (next-v)/2
		if v == 65504 || v == -65504 {
			middle = v + v/65504*16
		}
		x = append(x, v, middle, math.Nextafter32(middle, v), math.Nextafter32(middle, next))
	}
	x = append(x, 65519.996, 65520, 1e6, math.MaxFloat32, -65520, -1e30, float32(math.Inf(1)), float32(math.Inf(-1)))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 4000 {
		x = append(x, float32(math.Ldexp(rng.NormFloat64(), rng.IntN(50)-30)))
	}
	x = append(x, make([]float32, (1024-len(x)%1024)%1024)...)
	k := open(t, nil)
	a, w, c := filled(t, k, x), filled(t, k, []float32{1, 0, 0, 0}), filled(t, k, make([]float32, len(x)/2))
	p := shaders.MatmulParams{M: len(x), N: 1, K: 1, LDA: 1, LDC: 1, HalvesC: true}
	run, err := k.Matmul(p, a, w, nil, c)
	require.NoError(t, err)
	pass := k.Device().NewPass("halves")
	defer pass.Close()
	pass.Dispatch(run)
	require.NoError(t, pass.Submit())
	got := make([]uint32, len(x)/2)
	require.NoError(t, wgpu.Download(c, 0, got))
	for i, want := range shaders.PackHalves(x, 1) {
		v := x[2*i : 2*i+2]
		subnormal := func(v float32) bool { return v != 0 && math.Abs(float64(v)) < 0x1p-126 }
		if subnormal(v[0]) || subnormal(v[1]) { // of which a device may make 0 of either sign
			continue
		}
		require.Equal(t, want, got[i], "%b and %b", v[0], v[1])
	}

	back := make([]float32, len(x))
	shaders.UnpackHalves(got, 1, back)
	for i, v := range x {
		require.True(t, shaders.RoundHalf(v) == back[i], "%b", v)
	}
}

func TestHalvesLieInPairsOfRows(t *testing.T) {
	x := []float32{1, 2, 3, 0.5, -1, 65504}
	words := shaders.PackHalves(append(x, x...), 3)
	require.Equal(t, []uint32{0x38003c00, 0xbc004000, 0x7bff4200}, words[:3])
	require.Len(t, words, shaders.HalvesWords(4, 3))
}

// Halves want an even number of rows, and columns within them.
func TestHalvesAreChecked(t *testing.T) {
	k := open(t, nil)
	b := filled(t, k, make([]float32, 4096))
	var shape *shaders.ShapeError
	for _, p := range []shaders.MatmulParams{
		{M: 3, N: 4, K: 4, LDA: 4, LDC: 4, HalvesA: true},
		{M: 3, N: 4, K: 4, LDA: 4, LDC: 4, HalvesC: true},
		{M: 4, N: 4, K: 4, LDA: 8, OffA: 5, LDC: 4, HalvesA: true},
		{M: 4, N: 4, K: 4, LDA: 4, LDC: 4, HalvesC: true, Add: true},
		{M: 4, N: 4, K: 3, LDA: 4, LDW: 4, LDC: 4, TransA: true, TransW: true, HalvesW: true},
		{M: 4, N: 4, K: 4, LDA: 4, LDC: 4, HalvesW: true},
	} {
		_, err := k.Matmul(p, b, b, nil, b)
		require.ErrorAs(t, err, &shape, "%+v", p)
		_, err = k.Matvec(p, b, b, nil, b)
		require.ErrorAs(t, err, &shape, "%+v", p)
	}
	conv := shaders.CausalConvParams{Batch: 2, Length: 3, Channels: 4, Width: 4, Stride: 4, Fresh: true, Halves: true}
	_, err := k.CausalConv(conv, b, b, b, b, b)
	require.ErrorAs(t, err, &shape)
	_, err = k.CausalConvBackward(conv, b, b, b, b, b, b)
	require.ErrorAs(t, err, &shape)
	scan := shaders.SelectiveScanParams{Batch: 2, Length: 3, Channels: 4, States: 4, BCStride: 8, OffC: 4, Fresh: true, Halves: true}
	_, err = k.SelectiveScan(scan, b, b, b, nil, b, b, b, b)
	require.ErrorAs(t, err, &shape)
	_, err = k.SelectiveScanBackward(scan, b, b, b, nil, b, b, b, b, b, nil, b, nil, b)
	require.ErrorAs(t, err, &shape)
	scan.Length = 1
	_, err = k.SelectiveScanStep(scan, b, b, b, nil, b, b, b, b)
	require.ErrorAs(t, err, &shape)
}

// filled is a buffer with numbers in it.
func filled(t *testing.T, k *shaders.Kernels, v []float32) *wgpu.Buffer {
	t.Helper()
	b, err := k.Device().NewBuffer("numbers", 4*uint64(len(v)))
	require.NoError(t, err)
	t.Cleanup(func() { b.Close() })
	require.NoError(t, wgpu.Upload(b, 0, v))
	return b
}
