package wgpu

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// twoOutputs writes twice and three times x to two buffers.
const twoOutputs = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> z: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
	if (id.x < arrayLength(&x)) {
		y[id.x] = 2.0 * x[id.x];
		z[id.x] = 3.0 * x[id.x];
	}
}`

func newSlice(t *testing.T, b *Buffer, offset, size uint64) *Buffer {
	t.Helper()
	s, err := b.Slice("slice", offset, size)
	require.NoError(t, err)
	return s
}

// TestSlice has a kernel write two slices of one buffer and checks every transfer of a
// slice against the whole.
func TestSlice(t *testing.T) {
	d := openTest(t, nil)
	at := uint64(d.Limits().StorageAlignment)
	x, whole := newBuffer(t, d, "x", 16), newBuffer(t, d, "whole", int(4*at))
	y, z := newSlice(t, whole, at, 16), newSlice(t, newSlice(t, whole, at, 2*at), at, 10)
	assert.EqualValues(t, 16, z.Size())
	assert.EqualValues(t, 16+4*at, d.MemoryInUse(), "a slice is no memory of its own")
	require.NoError(t, Upload(x, 0, []float32{1, 2, 3, 4}))

	p, err := d.Pipeline("test.two", twoOutputs)
	require.NoError(t, err)
	run, err := d.NewDispatch(p, nil, []*Buffer{x, y, z}, [3]uint32{1, 1, 1})
	require.NoError(t, err)
	pass := d.NewPass("test")
	pass.Dispatch(run)
	got := make([]float32, 3)
	require.NoError(t, SubmitDownload(pass, z, 4, got))
	assert.Equal(t, []float32{6, 9, 12}, got)
	require.NoError(t, Download(whole, at+4, got))
	assert.Equal(t, []float32{4, 6, 8}, got)

	require.NoError(t, Upload(y, 4, []float32{7}))
	pass = d.NewPass("test")
	pass.Clear(z, 0, 8)
	pass.Copy(x, 0, y, 0, 8)
	require.NoError(t, pass.Submit())
	require.NoError(t, Download(whole, 2*at, got))
	assert.Equal(t, []float32{0, 0, 9}, got)
	require.NoError(t, Download(x, 0, got))
	assert.Equal(t, []float32{2, 7, 3}, got)

	r, err := d.NewReadback("r", 8)
	require.NoError(t, err)
	require.NoError(t, d.NewPass("test").SubmitTo(r, z, 8, 8))
	require.NoError(t, Fetch(r, got[:2]))
	assert.Equal(t, []float32{9, 12}, got[:2])
}

func TestSliceErrors(t *testing.T) {
	d := openTest(t, nil)
	at := uint64(d.Limits().StorageAlignment)
	b := newBuffer(t, d, "b", int(2*at))
	var bad *RangeError
	for _, c := range [][2]uint64{{4, 4}, {at, at + 4}, {2 * at, 4}, {0, 1<<64 - 1}} {
		_, err := b.Slice("slice", c[0], c[1])
		require.ErrorAs(t, err, &bad, "%v", c)
	}
	s := newSlice(t, b, at, 16)
	require.ErrorAs(t, Upload(s, 12, make([]float32, 2)), &bad)

	p, err := d.Pipeline("test.scale", doubleSource)
	require.NoError(t, err)
	var binding *BindingError
	_, err = d.NewDispatch(p, doubleParams(1, 1), []*Buffer{newSlice(t, b, 0, 16), s}, [3]uint32{1, 1, 1})
	require.ErrorAs(t, err, &binding, "one slice to read, another to write")

	require.NoError(t, s.Close())
	require.NoError(t, Upload(s, 0, []float32{1}), "a slice lives as long as its buffer")
	require.NoError(t, b.Close())
	require.ErrorIs(t, Upload(s, 0, []float32{1}), ErrClosed)
	_, err = s.Slice("slice", 0, 16)
	require.ErrorIs(t, err, ErrClosed)
}
