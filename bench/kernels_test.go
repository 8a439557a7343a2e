package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

func TestNames(t *testing.T) {
	names := Names()
	for _, kernel := range []string{"selective_scan", "selective_scan_step", "causal_conv", "causal_conv_step", "matmul", "matvec",
		"dt_proj", "rms_norm", "embedding", "residual_add", "peaks", "mamba_block", "prefill", "decode",
		"selective_scan_naive", "selective_scan_tiled", "selective_scan_complex", "selective_scan_complex_step",
		"modulated_scan", "modulated_scan_step", "discretize", "layer_norm", "last_rows", "seed_layer"} {
		require.Contains(t, names, kernel)
	}
	require.NoError(t, (&Options{Only: names}).Check())
	require.ErrorContains(t, (&Options{Only: []string{"matmul", "mammal"}}).Check(), `nothing is named "mammal"; there are selective_scan, `)
}

func TestCasesAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range allKernelCases() {
		key := c.name + " " + c.shape
		assert.False(t, seen[key], "%s is there twice", key)
		seen[key] = true
		assert.Positive(t, c.bytes, key)
		for _, a := range c.arrays {
			assert.True(t, a.form == nil || a.len <= period, "%s: %s", key, a.name)
			assert.Zero(t, a.bytes()%4, "%s: %s is not made of whole words", key, a.name)
		}
	}
}

// The bytes and operations of shapes counted by hand.
func TestWork(t *testing.T) {
	c := scan(8, 2048, 1024, 16)
	rows := 8.0 * 2048
	require.InDelta(t, 4*(4*rows*1024+rows*32+1024*18+2*8*1024*16+8), c.bytes, 0)
	require.InDelta(t, 6*rows*1024*16, c.flops, 0)

	c = product(2048, 3072, 768, shaders.F16)
	require.InDelta(t, 4*(2048*768+2048*3072)+2*3072*768, c.bytes, 0)
	require.InDelta(t, 2*2048*3072*768, c.flops, 0)
	require.Equal(t, "(2048,3072,768) F16", c.shape)

	c = complexScan(8, 2048, 1024, 16)
	require.InDelta(t, 4*(4*rows*1024+rows*64+1024*34+2*2*8*1024*16+8), c.bytes, 0)

	c = modulatedScan(8, 2048, 1024, 16)
	require.InDelta(t, 4*(4*rows*1024+rows*64+1024*33+2*2*8*1024*16+8), c.bytes, 0)

	c = discretize(8192, 16)
	require.InDelta(t, 4*(8192*17+32+8192*64), c.bytes, 0)

	c = lastRows(8, 32, 768)
	require.InDelta(t, 2*4*8*768, c.bytes, 0)

	c = seedLayer(8, 1024, 512) // x and out, three matrices, biases, conv, a, scan and the states twice
	require.InDelta(t, 4*(2*8192*512+2*512*1024+2068*1024+1024+2068+512+1024*5+32+1024*33+2*8*1024*(3+32)), c.bytes, 0)

	c = residualAdd(2048, 768)
	require.InDelta(t, 12*2048*768, c.bytes, 0)

	c = embedding(2048, 768, 50280, shaders.F16)
	require.InDelta(t, 2048*(4+768*6), c.bytes, 0)

	m := modelSizes[0].spec(shaders.F32)
	bytes, flops := modelCase{name: decodeName, batch: 2, length: 1}.work(&m)
	require.InDelta(t, 4*129135360+2*2*4*24*1536*19, bytes, 0)
	require.InDelta(t, 2*2*129135360, flops, 0.02*flops)
}

func TestUnfit(t *testing.T) {
	l := wgpu.DefaultLimits()
	big, small := scan(1, 65536, 1536, 16), scan(1, 512, 512, 16)
	require.Equal(t, "u has 384 MiB, a storage binding at most 128 MiB", big.unfit(l))
	require.Empty(t, small.unfit(l))
	l.MaxStorageBinding = 1 << 30
	require.Equal(t, "u has 384 MiB, a buffer at most 256 MiB", big.unfit(l))
	l.MaxBufferSize = 1 << 30
	require.Empty(t, big.unfit(l))
}

func TestTooLong(t *testing.T) {
	e := (&Options{Quick: true}).effort(wgpu.CPU)
	require.Empty(t, e.tooLong(11e3))
	require.Equal(t, "a run takes at least 1.24 s, the limit is 12.0 ms", e.tooLong(1.24e6))
	for _, quick := range []bool{false, true} {
		o := &Options{Quick: quick}
		require.Greater(t, o.effort(wgpu.Discrete).longest, o.effort(wgpu.CPU).longest)
	}
}

// small is every kernel with its sample, at shapes that take no time.
func small() []kernelCase {
	return []kernelCase{
		scan(3, 40, 48, 16), scan(2, 1, 48, 16), conv(3, 40, 48, 4), conv(2, 1, 48, 4),
		product(33, 72, 48, shaders.F32), product(33, 72, 48, shaders.F16), product(2, 72, 48, shaders.BF16),
		product(33, 72, 64, shaders.Q8), product(33, 72, 64, shaders.Q4), product(2, 72, 64, shaders.Q8), product(2, 72, 64, shaders.Q4),
		inputGradient(33, 72, 48), weightGradient(33, 72, 48),
		dtProj(33, 72, 16, shaders.F32), dtProj(33, 72, 16, shaders.F16), rmsNorm(33, 72),
		embedding(33, 72, 100, shaders.F16), residualAdd(33, 72), peaks(5, 300), mambaBlock(3, 40, 32),
		scanBy("selective_scan_naive", 3, 40, 48, 16), scanBy("selective_scan_tiled", 3, 40, 48, 16),
		complexScan(3, 40, 48, 16), complexScan(2, 1, 48, 16), modulatedScan(3, 40, 48, 16), modulatedScan(2, 1, 48, 16),
		discretize(300, 16), layerNorm(33, 72), lastRows(5, 7, 72), seedLayer(3, 40, 32),
	}
}

func TestSmallCases(t *testing.T) {
	dev := device(t, nil)
	for _, c := range small() {
		t.Run(c.name+c.shape, func(t *testing.T) {
			timed, err := c.measure(context.Background(), shaders.New(dev), brief)
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(timed.samples), brief.least)
			require.Positive(t, timed.runs)
		})
	}
}

// A kernel that computes something else than its twin is not timed.
func TestWrongIsNotTimed(t *testing.T) {
	dev := device(t, nil)
	for _, c := range small() {
		t.Run(c.name+c.shape, func(t *testing.T) {
			sample := c.sample
			c.sample = func() ([]view, []step) { // the twin gets another input than the device
				views, steps := sample()
				c.arrays[0].name += "'"
				if ids := c.arrays[0].ints; ids != nil {
					views[1].index = plus(1, views[1].index)
				}
				return views, steps
			}
			_, err := c.measure(context.Background(), shaders.New(dev), brief)
			var r Result
			require.NoError(t, r.judge(err))
			require.Contains(t, r.Error, "of the largest")
			_, mismatch := err.(*cases.MismatchError)
			require.True(t, mismatch)
		})
	}
}

func TestArrayIsWhatIsWritten(t *testing.T) {
	dev := device(t, nil)
	a := floats("x", period+1000, -1, 1)
	b, err := dev.NewBuffer(a.name, a.bytes())
	require.NoError(t, err)
	require.NoError(t, a.fill(b))
	got := make([]float32, 2000)
	require.NoError(t, wgpu.Download(b, 4*(period-1000), got))
	for i, v := range got {
		require.InDelta(t, a.at(period-1000+i), v, 0)
	}
}

func TestViews(t *testing.T) {
	require.Equal(t, []int{0, 1, 2}, spread(3, 8))
	require.Equal(t, []int{0, 33, 66, 99}, spread(100, 4))
	require.Equal(t, []int{21, 23, 31, 33}, grid([]int{2, 3}, 10, []int{1, 3}))
	require.Equal(t, []int{0, 4, 8, 3, 7, 11}, transposed([]int{0, 3}, 4, 3))
	require.Equal(t, "(8,2048,1024,16)", shapeName([]int{8, 2048, 1024, 16}))
	require.True(t, strings.HasPrefix(size(3<<20), "3 MiB"))
}

func TestSampling(t *testing.T) {
	e := effort{samples: 5, least: 2, budget: time.Hour}
	calls := 0
	once := func() ([]float64, error) { calls++; return []float64{1, 2}, nil }
	got, err := e.sampling(context.Background(), nil, once)
	require.NoError(t, err)
	require.Len(t, got, 6)
	e.budget, calls = 0, 0
	got, err = e.sampling(context.Background(), []float64{9}, once) // no time: as few as may be
	require.NoError(t, err)
	require.Equal(t, []float64{9, 1, 2}, got)
	require.Equal(t, 1, calls)
}
