package mamba

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

// stageNames are the stages of a trace in their documented order.
func stageNames(layers int) []string {
	names := []string{"embedding"}
	for i := range layers {
		for _, s := range []string{"norm", "in_proj", "conv", "conv_state", "x_proj", "delta", "scan_gated", "ssm_state", "out_proj", "residual"} {
			names = append(names, fmt.Sprintf("layer.%d.%s", i, s))
		}
	}
	return append(names, "norm_f", "logits")
}

func collectTrace(t *testing.T, m *Model, ids []int) (names []string, stages map[string]Stage) {
	t.Helper()
	stages = map[string]Stage{}
	require.NoError(t, m.Trace(ctx, ids, func(s Stage) error {
		names = append(names, s.Name)
		stages[s.Name] = s
		return nil
	}))
	return names, stages
}

// TestTrace compares every stage with the reference implementation's and names
// the first one that differs.
func TestTrace(t *testing.T) {
	file, err := checkpoint.OpenFile(reference + "/trace.safetensors")
	require.NoError(t, err)
	defer file.Close()
	wanted := map[string]*checkpoint.Tensor{}
	for _, name := range file.Names() {
		wanted[name], _ = file.Tensor(name)
	}
	words, err := wanted["input_ids"].Float32(nil)
	require.NoError(t, err)
	ids := make([]int, len(words))
	for i, w := range words {
		ids[i] = int(w)
	}
	delete(wanted, "input_ids")
	onAll(t, func(t *testing.T, m *Model) {
		names, stages := collectTrace(t, m, ids)
		require.Equal(t, stageNames(m.config.NLayer), names)
		require.ElementsMatch(t, slices.Collect(maps.Keys(wanted)), names)
		var seen errorsSeen
		for _, name := range names {
			want, err := wanted[name].Float32(nil)
			require.NoError(t, err)
			require.Equal(t, wanted[name].Shape, stages[name].Shape, name)
			seen.within(t, 1e-4, stages[name].Data, want, "first divergent stage: ", name)
		}
		seen.log(t)
	})
}

// TestTraceEnds ends traces early and goes on with the model.
func TestTraceEnds(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m := newTiny(t, opts)
		stop := errors.New("enough")
		var names []string
		err := m.Trace(ctx, []int{1, 2}, func(s Stage) error {
			names = append(names, s.Name)
			if s.Name == "layer.0.delta" {
				return stop
			}
			return nil
		})
		assert.Equal(t, stop, err)
		assert.Equal(t, stageNames(2)[:7], names)

		cancelled, cancel := context.WithCancel(ctx)
		n := 0
		err = m.Trace(cancelled, []int{1, 2}, func(Stage) error { n++; cancel(); return nil })
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, n)

		assert.ErrorIs(t, m.Trace(ctx, nil, nil), ErrEmptyPrompt)
		assert.ErrorAs(t, m.Trace(ctx, []int{41}, nil), new(*TokenError))
		assert.Zero(t, usedSlots(m))
		names, _ = collectTrace(t, m, []int{1, 2})
		assert.Equal(t, stageNames(2), names)
	})
}

// TestTraceTooLong asks for more than a binding holds, which leaves the model
// as it was.
func TestTraceTooLong(t *testing.T) {
	m := newTiny(t, Options{Device: lowDevice(t, 2048)})
	want := alone(t, m, []int{1, 2, 3})
	var option *OptionError
	require.ErrorAs(t, m.Trace(ctx, someIDs(m, 100, 1), nil), &option)
	require.ErrorContains(t, option, "at most 10")
	var limit *wgpu.LimitError
	c := tiny()
	c.VocabSize = 257
	wide := open(t, writeModel(t, c, nil), Options{Device: lowDevice(t, 2048)})
	before := alone(t, wide, []int{1, 2, 3})
	require.ErrorAs(t, wide.Trace(ctx, []int{1, 2, 3}, func(Stage) error { return nil }), &limit)
	require.Equal(t, "MaxStorageBinding", limit.Name)
	require.Equal(t, before, alone(t, wide, []int{1, 2, 3}))
	require.Equal(t, want, alone(t, m, []int{1, 2, 3}))
}
