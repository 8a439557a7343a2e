package wgpu

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadback submits passes one after another and reads what each left, in
// and out of order.
func TestReadback(t *testing.T) {
	d := openTest(t, nil)
	x := newBuffer(t, d, "x", 16)
	require.NoError(t, Upload(x, 0, []float32{1, 2, 3, 4}))
	y := newBuffer(t, d, "y", 16)
	twice := d.NewPass("twice")
	twice.Include(scaled(t, d, x, y, 4, 2))
	twice.Include(scaled(t, d, y, x, 4, 1))
	require.Equal(t, 2, twice.Dispatches())
	var reads []*Readback
	for range 3 {
		r, err := d.NewReadback("test", 12)
		require.NoError(t, err)
		assert.EqualValues(t, 16, r.Size())
		require.NoError(t, twice.SubmitTo(r, x, 4, 12))
		reads = append(reads, r)
	}
	for _, i := range []int{1, 0, 2, 1} {
		got := make([]float32, 3)
		require.NoError(t, Fetch(reads[i], got))
		by := float32(int(2) << i)
		assert.Equal(t, []float32{2 * by, 3 * by, 4 * by}, got)
	}
	before := d.MemoryInUse()
	require.NoError(t, reads[0].Close())
	require.NoError(t, reads[0].Close())
	assert.Equal(t, before-16, d.MemoryInUse())
	assert.ErrorIs(t, reads[0].Read(make([]byte, 4)), ErrClosed)
	assert.ErrorIs(t, twice.SubmitTo(reads[0], x, 0, 4), ErrClosed)
	var bad *RangeError
	assert.ErrorAs(t, reads[1].Read(make([]byte, 20)), &bad)
	assert.ErrorAs(t, reads[1].Read(make([]byte, 3)), &bad)
	assert.ErrorAs(t, twice.SubmitTo(reads[1], x, 8, 16), &bad)
	require.NoError(t, d.Close())
	assert.ErrorIs(t, Fetch(reads[1], make([]float32, 1)), ErrClosed)
	assert.NoError(t, reads[1].Close())
}
