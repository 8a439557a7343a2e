package bench

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// fakeTuner has three variants of matmul whose times are given.
func fakeTuner(times map[string][]float64, failing map[string]error) *tuner {
	return &tuner{
		unfit: func(c *kernelCase) string {
			if strings.Contains(c.shape, "4096") {
				return "too long"
			}
			return ""
		},
		variants: func(s step) []string {
			if s.kernel != split {
				return nil
			}
			return []string{"default", "wide", "tall"}
		},
		prepare: func(*kernelCase) (prepared, error) {
			return prepared{close: func() {}, measure: func(variant string, _ bool) (timing, error) {
				return timing{samples: times[variant]}, failing[variant]
			}}, nil
		},
	}
}

func TestTuneTakesTheFastest(t *testing.T) {
	product := product(64, 128, 256, shaders.F32)
	wrong := &cases.MismatchError{Kernel: "matmul"}
	for name, c := range map[string]struct {
		times   map[string][]float64
		failing map[string]error
		want    string
	}{
		"the fastest":           {times: map[string][]float64{"default": {100, 102}, "wide": {90, 91}, "tall": {80, 81}}, want: "tall"},
		"the default":           {times: map[string][]float64{"default": {100, 102}, "wide": {120, 121}, "tall": {180, 181}}},
		"not within the spread": {times: map[string][]float64{"default": {100, 140}, "wide": {99, 150}, "tall": {98, 160}}},
		"what is wrong is left": {times: map[string][]float64{"default": {100, 102}, "wide": {90, 91}},
			failing: map[string]error{"tall": wrong}, want: "wide"},
		"what has no room is left": {times: map[string][]float64{"default": {100, 102}, "wide": {90, 91}},
			failing: map[string]error{"tall": &wgpu.LimitError{Name: "memory"}}, want: "wide"},
	} {
		tuned, err := fakeTuner(c.times, c.failing).run([]kernelCase{product, rmsNorm(3, 4)}, nil)
		require.NoError(t, err, name)
		require.Len(t, tuned.Choices, 1, name)
		if c.want == "" {
			require.Empty(t, tuned.Tuning, name)
		} else {
			require.Equal(t, shaders.Tuning{tuningKey(product.steps[0]): c.want}, tuned.Tuning, name)
		}
		faults, _ := tuned.Faults()
		require.Len(t, faults, len(c.failing), name)
		require.Len(t, tuned.Table().Rows, 1, name)
		require.Len(t, tuned.Table().Rows[0], len(tuned.Table().Header))
	}
}

func TestTuneErrors(t *testing.T) {
	list := []kernelCase{product(64, 128, 256, shaders.F32)}
	_, err := fakeTuner(nil, map[string]error{"wide": wgpu.ErrClosed}).run(list, nil)
	require.ErrorIs(t, err, wgpu.ErrClosed)
	tuned, err := fakeTuner(nil, map[string]error{"default": &cases.MismatchError{Kernel: "matmul"}}).run(list, nil)
	require.NoError(t, err)
	require.Empty(t, tuned.Tuning)
	require.NotEmpty(t, tuned.Choices[0].Skipped)
	tuned, err = fakeTuner(nil, nil).run([]kernelCase{product(64, 4096, 256, shaders.F32)}, nil)
	require.NoError(t, err)
	require.Empty(t, tuned.Table().Rows)
	_, skipped := tuned.Faults()
	require.Len(t, skipped, 1)
	text, err := fault(errors.New("other"))
	require.Empty(t, text)
	require.Error(t, err)
}

// Every shape is there once, and those of a chunk of each model are.
func TestTuneCases(t *testing.T) {
	models, err := (&Options{}).tuneConfigs()
	require.NoError(t, err)
	require.Len(t, models, len(modelSizes))
	var keys []string
	for _, c := range (&Options{}).tuneCases(models) {
		keys = append(keys, c.name+" "+c.shape)
		require.Len(t, c.steps, 1)
	}
	for _, want := range []string{"matmul (2048,3072,768)", "matmul (2048,2560,5120) Q4", "matmul (64,80,1536) F16", "selective_scan (8,256,5120,16)"} {
		require.Contains(t, keys, want)
	}
	few, err := (&Options{Sizes: []string{"130m"}}).tuneConfigs()
	require.NoError(t, err)
	require.Less(t, len((&Options{}).tuneCases(few)), len(keys)/4)
	require.Less(t, len((&Options{Quick: true}).tuneCases(models)), len(keys)/4)
	own, err := (&Options{Model: "../testdata/reference-lm"}).tuneConfigs()
	require.NoError(t, err)
	require.Equal(t, []tuneModel{{256, 512, 16, 4, 16, 4096}}, own)
}
