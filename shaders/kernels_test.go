package shaders_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// open opens a device, or skips where there is no adapter and
// MAMBAGPU_REQUIRE_GPU is not set.
func open(t testing.TB, limits *wgpu.Limits) *shaders.Kernels {
	t.Helper()
	d, err := wgpu.Open(&wgpu.Options{Limits: limits, Notices: io.Discard})
	if errors.Is(err, wgpu.ErrNoAdapter) && os.Getenv("MAMBAGPU_REQUIRE_GPU") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { d.Close() })
	return shaders.New(d)
}

// TestEveryKernelHasTwinAndCases ties a kernel's parts together by its name.
func TestEveryKernelHasTwinAndCases(t *testing.T) {
	require.NotEmpty(t, shaders.Names())
	for _, name := range shaders.Names() {
		assert.FileExists(t, name+".go", "wrapper")
		assert.FileExists(t, "cpu/"+name+".go", "twin")
		assert.NotEmpty(t, cases.Of(name), "cases of %s", name)
	}
	assert.ElementsMatch(t, shaders.Names(), cases.Kernels())
}

func testCases(t *testing.T, k *shaders.Kernels) {
	for _, kernel := range cases.Kernels() {
		t.Run(kernel, func(t *testing.T) {
			worst := cases.Worst{}
			for _, c := range cases.Of(kernel) {
				got, err := c.RunGPU(k)
				if !c.Fits(k.Device().Limits()) {
					var few *wgpu.LimitError
					require.ErrorAs(t, err, &few, c)
					continue
				}
				require.NoError(t, err, c)
				want := c.RunTwin()
				assert.NoError(t, cases.Compare(c, got, want))
				w := cases.WorstOfAll(got, want)
				worst.Abs, worst.Rel = max(worst.Abs, w.Abs), max(worst.Rel, w.Rel)
			}
			t.Logf("%d cases, largest error relative to the largest value %.2g", len(cases.Of(kernel)), worst.Rel)
		})
	}
}

func TestKernels(t *testing.T) { testCases(t, open(t, nil)) }

// TestKernelsWithDefaultLimits runs every case on a device that has no more
// than every WebGPU device has.
func TestKernelsWithDefaultLimits(t *testing.T) {
	low := wgpu.DefaultLimits()
	testCases(t, open(t, &low))
}
