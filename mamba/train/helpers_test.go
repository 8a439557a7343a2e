package train

import (
	"errors"
	"io"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/wgpu"
)

// gpu is the device that all tests share.
var gpu = sync.OnceValues(func() (*wgpu.Device, error) {
	return wgpu.Open(&wgpu.Options{Notices: io.Discard})
})

// device is a GPU. The test is skipped for want of one, unless
// MAMBAGPU_REQUIRE_GPU is set.
func device(t testing.TB) *wgpu.Device {
	t.Helper()
	dev, err := gpu()
	if errors.Is(err, wgpu.ErrNoAdapter) && os.Getenv("MAMBAGPU_REQUIRE_GPU") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	return dev
}

// onBackends runs a test with the options that choose each backend.
func onBackends(t *testing.T, test func(t *testing.T, opts Options)) {
	t.Helper()
	t.Run("go", func(t *testing.T) { test(t, Options{Adapter: mamba.GoAdapter}) })
	t.Run("gpu", func(t *testing.T) { test(t, Options{Device: device(t)}) })
}
