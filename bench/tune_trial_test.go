package bench

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Variants of one case share its arrays, and none is judged by what the one before left.
func TestTrial(t *testing.T) {
	dev := device(t, nil)
	for _, c := range []kernelCase{product(33, 72, 256, shaders.F16), scan(2, 70, 48, 16)} {
		s := c.steps[0]
		k := shaders.New(dev)
		trial := &deviceTrial{c: &c, kernels: k}
		var err error
		trial.buffers, err = c.prepare(dev)
		require.NoError(t, err)
		trial.want, err = c.expect()
		require.NoError(t, err)
		variants := shaders.Variants(s.kernel, s.params, dev.Limits(), dev.Info().Kind)
		require.Greater(t, len(variants), 2)
		for _, v := range []string{variants[0], variants[len(variants)-1]} {
			run, err := trial.add(v)
			require.NoError(t, err, v)
			us, err := run(2)
			require.NoError(t, err)
			require.Positive(t, us)
			require.NoError(t, trial.reset())
			var wrong *cases.MismatchError
			require.ErrorAs(t, trial.want.compare(trial.buffers), &wrong)
		}
		require.LessOrEqual(t, len(trial.scratch), 1)
		trial.close()
	}
}

// Families are compiled on devices of their own, as far as there are some, each set of
// pipelines once.
func TestWorkshop(t *testing.T) {
	dev := device(t, nil)
	first, second := product(33, 72, 256, shaders.F16), product(70, 72, 256, shaders.F16)
	other, third := product(33, 72, 256, shaders.Q8), product(33, 72, 256, shaders.F32)
	var items []tuneItem
	for _, c := range []*kernelCase{&second, &first, &other, &third} {
		s := c.steps[0]
		names := shaders.Variants(s.kernel, s.params, dev.Limits(), dev.Info().Kind)
		items = append(items, tuneItem{c, tuningKey(s), names[:2]})
	}
	opened := 0
	w := newWorkshop(dev, func() (*wgpu.Device, error) {
		if opened++; opened > 1 {
			return nil, wgpu.ErrNoAdapter
		}
		return wgpu.Open(&wgpu.Options{Instance: 1})
	})
	var counts []int
	require.NoError(t, w.compile(ctx, items, func(done, total int) { counts = append(counts, done, total) }))
	require.Equal(t, []int{1, 6, 2, 6, 3, 6, 4, 6, 5, 6, 6, 6}, counts)
	require.Equal(t, 2, opened)
	devices := map[*wgpu.Device]int{}
	for _, item := range items[1:] {
		devices[w.of(family(item.c.steps[0])).Device()]++
	}
	require.Len(t, devices, 2)
	require.Equal(t, 2, devices[dev])
	w.close()
	require.NoError(t, dev.Wait())

	stopped, stop := context.WithCancel(ctx)
	stop()
	require.ErrorIs(t, newWorkshop(dev, nil).compile(stopped, items, func(int, int) {}), context.Canceled)
}
