package wgpu

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLongSubmission waits for and reads what takes a software adapter more
// than the five seconds after which the library's own wait gives up.
func TestLongSubmission(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds on a software adapter")
	}
	d := openTest(t, nil)
	p, err := d.Pipeline("test.long", `
@group(0) @binding(0) var<uniform> steps: u32;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
	var s = f32(id.x % 7u + 1u);
	for (var i = 0u; i < steps; i++) { s = s + sin(s); }
	y[id.x] = s;
}`)
	require.NoError(t, err)
	const groups = 1500
	y := newBuffer(t, d, "y", 4*64*groups)
	run, err := d.NewDispatch(p, doubleParams(60000, 0), []*Buffer{y}, [3]uint32{groups, 1, 1})
	require.NoError(t, err)
	pass := d.NewPass("long")
	pass.Dispatch(run)
	require.NoError(t, pass.Submit())
	start := time.Now()
	require.NoError(t, d.Wait())
	waited := time.Since(start)
	out := make([]float32, 64*groups)
	require.NoError(t, Download(y, 0, out))
	if d.info.Kind == CPU {
		assert.Less(t, time.Since(start)-waited, waited, "seconds of work are waited for by Wait, not by Download")
	}
	for i, v := range out {
		// Every start lies between 0 and 3 pi and moves to the nearest of
		// pi, 3 pi, where the step is 0.
		want := 3.1415927
		if i%7+1 == 7 {
			want = 9.424778
		}
		require.InDelta(t, want, v, 1e-4, "element %d", i)
	}
	assert.NoError(t, d.Close())
}
