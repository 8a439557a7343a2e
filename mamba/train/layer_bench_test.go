package train

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba"
)

// BenchmarkLayerTrainer is a step of the layer with the sizes of its defaults on a batch
// of shape (8, 1024, 512), transfers between host and device included.
func BenchmarkLayerTrainer(b *testing.B) {
	tr, err := NewLayerTrainer(mamba.Config{}, &Options{Notices: os.Stderr})
	require.NoError(b, err)
	defer tr.Close()
	x, dy := randomLayerTensor(1, 8, 1024, 512), randomLayerTensor(2, 8, 1024, 512)
	step := func() {
		_, err := tr.Forward(ctx, x)
		require.NoError(b, err)
		_, err = tr.Backward(ctx, dy)
		require.NoError(b, err)
		_, err = tr.Update(ctx, 1e-4)
		require.NoError(b, err)
	}
	for range 20 {
		step()
	}
	for b.Loop() {
		step()
	}
	b.ReportMetric(float64(8*1024*b.N)/b.Elapsed().Seconds(), "tokens/s")
}
