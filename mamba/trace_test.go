package mamba

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

func collectTrace(t *testing.T, m *Model, ids []int, which ...string) (names []string, stages map[string]Stage) {
	t.Helper()
	stages = map[string]Stage{}
	require.NoError(t, m.Trace(ctx, ids, func(s Stage) error {
		names = append(names, s.Name)
		stages[s.Name] = s
		return nil
	}, which...))
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
		require.Equal(t, StageNames(m.config), names)
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

func TestStageNames(t *testing.T) {
	names := StageNames(tiny())
	assert.Len(t, names, 23)
	assert.Equal(t, []string{"embedding", "layer.0.norm", "layer.0.in_proj", "layer.0.conv"}, names[:4])
	assert.Equal(t, []string{"layer.1.residual", "norm_f", "logits"}, names[20:])
}

// TestTraceSelected hands out some stages, the same as among all of them.
func TestTraceSelected(t *testing.T) {
	onBackends(t, func(t *testing.T, m *Model) {
		ids := someIDs(m, 20, 1)
		_, all := collectTrace(t, m, ids)
		for _, c := range []struct{ ask, want []string }{
			{[]string{"layer.3.conv"}, nil},
			{[]string{"norm_f", "embedding", "norm_f"}, []string{"embedding", "norm_f"}},
			{[]string{"logits"}, nil},
			{[]string{"layer.7.residual", "layer.0.conv_state"}, []string{"layer.0.conv_state", "layer.7.residual"}},
			{[]string{"layer.[26].ssm_*"}, []string{"layer.2.ssm_state", "layer.6.ssm_state"}},
		} {
			if c.want == nil {
				c.want = c.ask
			}
			names, stages := collectTrace(t, m, ids, c.ask...)
			assert.Equal(t, c.want, names)
			for _, name := range names {
				assert.Equal(t, all[name], stages[name], name)
			}
		}
		n := 0
		err := m.Trace(ctx, ids, func(Stage) error { n++; return nil }, "layer.0.conv", "layer.8.conv")
		assert.EqualError(t, err, `mamba: the stage is "layer.8.conv", want embedding, norm_f, logits, or layer.0 to layer.7`+
			` with one of .norm .in_proj .conv .conv_state .x_proj .delta .scan_gated .ssm_state .out_proj .residual`)
		assert.ErrorAs(t, m.Trace(ctx, ids, nil, "["), new(*OptionError))
		assert.Zero(t, n)
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
		assert.Equal(t, StageNames(tiny())[:7], names)

		cancelled, cancel := context.WithCancel(ctx)
		n := 0
		err = m.Trace(cancelled, []int{1, 2}, func(Stage) error { n++; cancel(); return nil })
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, n)

		assert.ErrorIs(t, m.Trace(ctx, nil, nil), ErrEmptyPrompt)
		assert.ErrorAs(t, m.Trace(ctx, []int{41}, nil), new(*TokenError))
		assert.Zero(t, usedSlots(m))
		names, _ = collectTrace(t, m, []int{1, 2})
		assert.Equal(t, StageNames(tiny()), names)
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
