package bench

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/wgpu"
)

// testRoofs are 1000 GB/s and 10 TFLOP/s: they meet at 10 operations a byte.
func testRoofs() *Roofs {
	return &Roofs{Copy: Roof{Value: 1000}, MulAdd: Roof{Value: 10}, Clock: clockGPU}
}

func TestShare(t *testing.T) {
	r := testRoofs()
	for _, c := range []struct {
		bytes, flops, us, share float64
		memory                  bool
	}{
		{1e9, 0, 1000, 1, true},
		{1e9, 0, 2000, 0.5, true},
		{1e9, 1e9, 1000, 1, true},
		{1e9, 1e10, 1000, 1, true}, // the ridge
		{1e9, 4e10, 4000, 1, false},
		{1e9, 4e10, 16000, 0.25, false},
		{4e6, 0, 2, 2, true}, // out of a cache
	} {
		_, memory := r.Least(c.bytes, c.flops)
		require.Equal(t, c.memory, memory)
		require.InDelta(t, c.share, r.Share(c.bytes, c.flops, c.us), 1e-12)
	}
	require.Zero(t, r.Share(1, 1, 0))
	var none *Roofs
	require.Zero(t, none.Share(1e9, 1e9, 100))
	require.Zero(t, (&Roofs{}).Share(1e9, 1e9, 100))
}

// device opens the default adapter, or skips the test where there is none and
// none is required.
func device(t testing.TB, limits *wgpu.Limits) *wgpu.Device {
	t.Helper()
	dev, err := wgpu.Open(&wgpu.Options{Limits: limits, Notices: io.Discard})
	if errors.Is(err, wgpu.ErrNoAdapter) && os.Getenv("MAMBAGPU_REQUIRE_GPU") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { dev.Close() })
	return dev
}

// brief is the least effort that gives samples.
var brief = effort{samples: 2, least: 2, longest: time.Second}

func TestRoofsWithinDefaultLimits(t *testing.T) {
	limits := wgpu.DefaultLimits()
	r, err := measureRoofs(context.Background(), device(t, &limits), brief)
	require.NoError(t, err)
	for _, roof := range []Roof{r.Copy, r.MulAdd} {
		require.Positive(t, roof.Value)
		require.NotEmpty(t, roof.Variant)
		require.GreaterOrEqual(t, len(roof.Samples), brief.least)
	}
}

func TestRoofsEndWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := measureRoofs(ctx, device(t, nil), brief)
	require.ErrorIs(t, err, context.Canceled)
}

func TestMulAddTwin(t *testing.T) {
	// Without a round, the sum of an invocation's accumulators.
	require.InDelta(t, 28, mulAddTwin(0, 0), 1e-12)
	require.InDelta(t, 28+8*(0.75+2.0/256), mulAddTwin(4*2+3, 0), 1e-12)
	// Two steps: x(xa + y) + y = x^2 a + xy + y.
	x := float64(mulAddX)
	a, sum := 0.0, 0.0
	for k := range 8 {
		a = float64(k)
		for range 4 {
			a = x*x*a + x + 1
		}
		sum += a
	}
	require.InDelta(t, sum, mulAddTwin(0, 1), 1e-9)
}
