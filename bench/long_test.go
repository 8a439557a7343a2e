package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// Lengths go from 2^10 to 2^20, and less far where that takes long.
func TestLongCount(t *testing.T) {
	for _, c := range []struct {
		opts Options
		kind wgpu.Kind
		want int
	}{
		{Options{}, wgpu.Discrete, 11},
		{Options{}, wgpu.CPU, 11},
		{Options{Quick: true}, wgpu.Discrete, 7},
		{Options{Quick: true}, wgpu.CPU, 3},
		{Options{Only: []string{"matmul"}}, wgpu.Discrete, 0},
		{Options{Only: []string{longName}}, wgpu.Discrete, 11},
		{Options{Model: "own"}, wgpu.Discrete, 0},
		{Options{Model: "own", Only: []string{longName}}, wgpu.Discrete, 11},
	} {
		r := runner{opts: &c.opts, report: &Report{Kind: c.kind}}
		require.Equal(t, c.want, r.longCount(), c)
		require.LessOrEqual(t, r.longEffort().longest, 2*time.Minute)
	}
}

// Which random models are timed, and which are too large for what shares its memory.
func TestModelsByDevice(t *testing.T) {
	names := func(opts Options, kind wgpu.Kind) (all, tooLarge []string) {
		r := runner{opts: &opts, report: &Report{Kind: kind}}
		runs, err := r.models()
		require.NoError(t, err)
		for i := range runs {
			all = append(all, runs[i].spec.label())
			if r.tooLarge(&runs[i].spec) != "" {
				tooLarge = append(tooLarge, runs[i].spec.label())
			}
		}
		return all, tooLarge
	}
	all, tooLarge := names(Options{}, wgpu.Discrete)
	require.Len(t, all, len(modelSizes)*len(storageTypes)+2, "two of them together")
	require.Empty(t, tooLarge)
	_, tooLarge = names(Options{}, wgpu.Integrated)
	require.Equal(t, []string{"1.4b", "2.8b", "2.8b F16"}, tooLarge)
	all, _ = names(Options{}, wgpu.CPU)
	require.Equal(t, []string{"130m", "130m F16", "130m Q8", "130m Q4"}, all)
	all, _ = names(Options{Quick: true}, wgpu.Discrete)
	require.Len(t, all, 5)
	all, tooLarge = names(Options{Sizes: []string{"2.8b"}}, wgpu.CPU)
	require.Len(t, all, 4)
	require.Equal(t, []string{"2.8b", "2.8b F16"}, tooLarge)
	all, _ = names(Options{Only: []string{"matmul"}}, wgpu.Discrete)
	require.Empty(t, all)
}

// A decoding sample has a multiple of the effort's steps.
func TestDecodingSamples(t *testing.T) {
	spec := tinySize().spec(shaders.F16)
	m, err := spec.open(nil, nil)
	require.NoError(t, err)
	defer m.Close()
	c := modelCase{name: decodeName, batch: 2, length: 1}
	for budget, most := range map[time.Duration]int{0: 3, time.Millisecond: 6, time.Hour: 8 * 3} {
		require.Equal(t, most, effort{steps: 3, budget: budget}.stepsOf(20))
	}
	times, err := c.time(t.Context(), m, effort{samples: 2, least: 2, steps: 2})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(times.samples), 2)
	require.Positive(t, times.memory)
}
