package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

var ctx = context.Background()

// fakeTuner has variants of matmul whose times are given, one after the other, and errors
// of adding them.
func fakeTuner(times map[string][]float64, failing map[string]error) *tuner {
	return &tuner{
		effort: effort{samples: 4, least: 4},
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
		compile: func(context.Context, []tuneItem, func(int, int)) error { return nil },
		prepare: func(*kernelCase) (*trial, error) {
			return &trial{close: func() {}, add: func(variant string) (func(int) (float64, error), error) {
				taken := 0
				return func(int) (float64, error) {
					taken++
					return times[variant][taken%len(times[variant])], nil
				}, failing[variant]
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
		wrong   int
		skipped int
	}{
		"the fastest":           {times: map[string][]float64{"default": {100, 102}, "wide": {90, 91}, "tall": {80, 81}}, want: "tall"},
		"the default":           {times: map[string][]float64{"default": {100, 102}, "wide": {120, 121}, "tall": {180, 181}}},
		"not within the spread": {times: map[string][]float64{"default": {100, 140}, "wide": {99, 150}, "tall": {98, 160}}},
		"not for next to nothing": {
			times: map[string][]float64{"default": {100, 100}, "wide": {99.5, 99.5}, "tall": {99.2, 99.2}}},
		"what is wrong is left": {times: map[string][]float64{"default": {100, 102}, "wide": {90, 91}},
			failing: map[string]error{"tall": wrong}, want: "wide", wrong: 1},
		"what has no room is left": {times: map[string][]float64{"default": {100, 102}, "wide": {90, 91}},
			failing: map[string]error{"tall": &wgpu.LimitError{Name: "memory"}}, want: "wide", skipped: 1},
		"what does not compile is left": {times: map[string][]float64{"default": {100, 102}, "wide": {90, 91}},
			failing: map[string]error{"tall": &wgpu.ShaderError{Label: "tall", Err: errors.New("no\nreason")}}, want: "wide", skipped: 1},
		"instead of a default that does not run": {times: map[string][]float64{"wide": {90, 91}, "tall": {180, 181}},
			failing: map[string]error{"default": wrong}, want: "wide", wrong: 1},
	} {
		tuned, err := fakeTuner(c.times, c.failing).run(ctx, []kernelCase{product, rmsNorm(3, 4)}, &TuneOptions{})
		require.NoError(t, err, name)
		require.Len(t, tuned.Choices, 1, name)
		if c.want == "" {
			require.Empty(t, tuned.Tuning, name)
		} else {
			require.Equal(t, shaders.Tuning{tuningKey(product.steps[0]): c.want}, tuned.Tuning, name)
			require.Contains(t, tuned.Choices[0].String(), ": "+c.want+", ", name)
		}
		wrong, skipped := tuned.Faults()
		require.Len(t, wrong, c.wrong, name)
		require.Len(t, skipped, c.skipped, name)
		require.NotContains(t, strings.Join(skipped, ""), "\n", name)
		require.Len(t, tuned.Table().Rows, 1, name)
		require.Len(t, tuned.Table().Rows[0], len(tuned.Table().Header))
	}
}

func TestTuneErrors(t *testing.T) {
	list := []kernelCase{product(64, 128, 256, shaders.F32)}
	times := map[string][]float64{"default": {1}, "wide": {1}, "tall": {1}}
	_, err := fakeTuner(times, map[string]error{"wide": wgpu.ErrClosed}).run(ctx, list, &TuneOptions{})
	require.ErrorIs(t, err, wgpu.ErrClosed)
	none := &wgpu.ShaderError{Label: "matmul", Err: errors.New("no")}
	tuned, err := fakeTuner(nil, map[string]error{"default": none, "wide": none, "tall": none}).run(ctx, list, &TuneOptions{})
	require.NoError(t, err)
	require.Empty(t, tuned.Tuning)
	require.NotEmpty(t, tuned.Choices[0].Skipped)
	_, skipped := tuned.Faults()
	require.Len(t, skipped, 4)
	tuned, err = fakeTuner(nil, nil).run(ctx, []kernelCase{product(64, 4096, 256, shaders.F32)}, &TuneOptions{})
	require.NoError(t, err)
	require.Empty(t, tuned.Table().Rows)
	_, skipped = tuned.Faults()
	require.Len(t, skipped, 1)
	require.Error(t, (&VariantTime{}).judge(errors.New("other")))
}

// Each choice is told as soon as it is made, with how far the run is; one that does not
// come to its end gives those that there are, and what is known is not measured again.
func TestTuneGoesOn(t *testing.T) {
	list := []kernelCase{product(64, 128, 256, shaders.F32), product(64, 256, 256, shaders.F32), product(64, 512, 256, shaders.F32)}
	times := map[string][]float64{"default": {100}, "wide": {90}, "tall": {80}}
	known := map[string]bool{}
	full := errors.New("full")
	opts := &TuneOptions{
		Known: func(key string, variants []string) bool {
			require.Len(t, variants, 3)
			return known[key]
		},
		Chosen: func(c Choice, p TuneProgress) error {
			known[c.Key()] = true
			require.Equal(t, "tall", c.Chosen())
			require.Equal(t, []string{"default", "wide", "tall"}, c.Names)
			if p.Done == 2 {
				return full
			}
			return nil
		},
	}
	tuned, err := fakeTuner(times, nil).run(ctx, list, opts)
	require.ErrorIs(t, err, full)
	require.Len(t, tuned.Choices, 2)
	require.Len(t, known, 2)

	var counts []int
	opts.Progress = func(_ string, done, total int) { counts = append(counts, done, total) }
	opts.Chosen = func(_ Choice, p TuneProgress) error {
		require.Equal(t, TuneProgress{Done: 1, Total: 1}, p)
		return nil
	}
	tuned, err = fakeTuner(times, nil).run(ctx, list, opts)
	require.NoError(t, err)
	require.Len(t, tuned.Choices, 1)
	require.Equal(t, 2, tuned.Known)
	require.Equal(t, tuningKey(list[2].steps[0]), tuned.Choices[0].Key())
	require.Equal(t, []int{0, 3, 1, 3, 2, 3}, counts)

	stopped, stop := context.WithCancel(ctx)
	stop()
	_, err = fakeTuner(times, nil).run(stopped, list, &TuneOptions{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 3*time.Second, remaining(time.Second, 1, 4))
}

// A race drops what is far behind at once and halves the rest, the default excepted, until
// few are left, who are timed most.
func TestRace(t *testing.T) {
	runs := make([]int, 12)
	var field []*racer
	for i := range runs {
		us := 1000 + 10*float64(i)
		switch i {
		case 0:
			us = 2500
		case 5:
			us = 10000
		}
		field = append(field, &racer{variant: i, run: func(n int) (float64, error) {
			runs[i]++
			return us, nil
		}})
	}
	final, err := race(ctx, field, effort{samples: 8, least: 8})
	require.NoError(t, err)
	var left []int
	for _, r := range final {
		left = append(left, r.variant)
		require.Len(t, r.samples, 8)
	}
	require.Equal(t, []int{0, 1, 2, 3}, left)
	require.Equal(t, 1, runs[5], "far behind")
	require.Equal(t, 1+heatSamples, runs[11])
	require.Equal(t, 1+2*heatSamples, runs[4])
	require.Equal(t, 1+2*heatSamples+8, runs[0])
}

// The last heat ends when it is clear who is ahead.
func TestRaceSettles(t *testing.T) {
	constant := func(us ...float64) []*racer {
		var field []*racer
		for i, t := range us {
			field = append(field, &racer{variant: i, run: func(int) (float64, error) { return t, nil }})
		}
		return field
	}
	final, err := race(ctx, constant(100, 90), effort{samples: 8, least: 3, budget: time.Hour})
	require.NoError(t, err)
	require.Len(t, final[0].samples, 3)
	final, err = race(ctx, constant(90, 100), effort{samples: 8, least: 3, budget: time.Hour})
	require.NoError(t, err)
	require.Len(t, final[0].samples, 3)
	final, err = race(ctx, constant(90, 90), effort{samples: 8, least: 3, budget: time.Hour})
	require.NoError(t, err)
	require.Len(t, final[0].samples, 8)
}

// The shapes of a chunk of each model are there, and those of training where it is asked
// for.
func TestTuneCases(t *testing.T) {
	models, err := (&Options{}).tuneModels()
	require.NoError(t, err)
	require.Len(t, models, len(modelSizes))
	var keys []string
	for _, c := range (&Options{}).tuneCases(models) {
		keys = append(keys, c.name+" "+c.shape)
		require.Len(t, c.steps, 1)
	}
	all := len(keys)
	for _, want := range []string{"matmul (2048,3072,768)", "matmul (2048,2560,5120) Q4", "matmul (64,80,1536) F16", "selective_scan (8,256,5120,16)"} {
		require.Contains(t, keys, want)
	}
	require.NotContains(t, keys, "train (3072,768,32768)")
	keys = nil
	train := &Options{Only: []string{trainName}}
	for _, c := range train.tuneCases(models[:1]) {
		if train.wants(c.name) {
			keys = append(keys, tuningKey(c.steps[0]))
		}
	}
	require.Len(t, keys, 3*13)
	for _, want := range []string{
		"matmul_split 32768x3072x768 F32", "matmul_split 32768x768x3072 F32 TransW", "matmul_split 4096x768x32768 F32 TransA TransW",
		"selective_scan 64x512x1536x16",
	} {
		require.Contains(t, keys, want)
	}
	few, err := (&Options{Sizes: []string{"130m"}}).tuneModels()
	require.NoError(t, err)
	require.Less(t, len((&Options{}).tuneCases(few)), all/4)
	require.Less(t, len((&Options{Quick: true}).tuneCases(models)), all/4)
	own, err := (&Options{Model: "../testdata/reference-lm"}).tuneModels()
	require.NoError(t, err)
	require.Equal(t, []tuneModel{{256, 512, 16, 4, 16, 4096}}, own)
}
