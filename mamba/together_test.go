package mamba

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/wgpu"
)

// togetherConfig is small enough for one workgroup, which every device has.
var togetherConfig = ModelConfig{
	DModel: 32, DInner: 64, DState: 16, DConv: 4, DTRank: 4, VocabSize: 131, UseConvBias: true, NLayer: 3, NormEps: 1e-5,
	Layout: checkpoint.HuggingFace,
}

func togetherFolder(t *testing.T) string {
	return writeFolder(t, togetherConfig, randomTensors(t, togetherConfig, func(string) checkpoint.DType { return checkpoint.F16 }))
}

// TestTogether steps sequences one at a time and beside others, in states that come to be
// on the way, with every type of weights.
func TestTogether(t *testing.T) {
	dir := togetherFolder(t)
	var seen errorsSeen
	for _, weights := range []Weights{WeightsAsStored, WeightsF32} {
		m := open(t, dir, Options{Device: device(t), Together: true, Weights: weights})
		exact := open(t, dir, Options{Adapter: GoAdapter, Weights: weights})
		require.NotNil(t, m.backend.(*gpuBackend).net.together)
		var states, want []*State
		for row := range 5 {
			states, want = append(states, newStates(t, m, 1)...), append(want, newStates(t, exact, 1)...)
			for step := range 3 {
				k := (row + step) % len(states)
				id := []int{(7*row + 5*step) % togetherConfig.VocabSize}
				before := m.Usage().Dispatches
				got, err := m.Step(ctx, states[k:k+1], id)
				require.NoError(t, err)
				require.Equal(t, 4, m.Usage().Dispatches-before, "the embedding, two for the layers, the head")
				ref, err := exact.Step(ctx, want[k:k+1], id)
				require.NoError(t, err)
				seen.within(t, parity, got[0], ref[0], fmt.Sprintf("%v, state %d, step %d", weights, k, step))
			}
			all := make([]int, len(states))
			got, err := m.Step(ctx, states, all)
			require.NoError(t, err)
			ref, err := exact.Step(ctx, want, all)
			require.NoError(t, err)
			for k := range got {
				seen.within(t, parity, got[k], ref[k], fmt.Sprintf("%v, row %d of %d", weights, k, len(states)))
			}
		}
		closeStates(states...)
		closeStates(want...)
	}
	seen.log(t)
}

// TestTogetherGenerates wants the tokens of a generation as they are without.
func TestTogetherGenerates(t *testing.T) {
	dir := togetherFolder(t)
	run := func(opts Options) []int {
		opts.Device = device(t)
		return tokens(t, open(t, dir, opts), nil, 1, 2, 3)
	}
	want := run(Options{})
	assert.Len(t, want, 100)
	assert.Equal(t, want, run(Options{Together: true}))
}

// tokens is a greedy generation of 100 tokens after a prompt, from a state or an empty one.
func tokens(t *testing.T, m *Model, s *State, prompt ...int) []int {
	t.Helper()
	var ids []int
	for token, err := range m.GenerateIDs(ctx, prompt, &GenerateOptions{MaxTokens: 100, IgnoreEOS: true, State: s}) {
		require.NoError(t, err)
		ids = append(ids, token.ID)
	}
	return ids
}

// TestTogetherStalls sets the flag as a workgroup does that waits in vain, so that on a
// device with several nobody waits. What was running ends, and what comes next does
// without. A generation's state is what it was.
func TestTogetherStalls(t *testing.T) {
	dir := togetherFolder(t)
	want := tokens(t, open(t, dir, Options{Device: device(t)}), nil, 1, 2, 3)
	stalled := func(prompt ...int) (*Model, *State) {
		m := open(t, dir, Options{Device: device(t), Together: true})
		s := newState(t, m)
		if len(prompt) > 0 {
			require.NoError(t, m.Prepare(ctx, s, prompt))
		}
		require.NoError(t, wgpu.Upload(m.backend.(*gpuBackend).net.together.mail, 0, []uint32{1}))
		return m, s
	}
	m, s := stalled(1, 2, 3)
	var err error
	for _, err = range m.GenerateIDs(ctx, nil, &GenerateOptions{MaxTokens: 100, IgnoreEOS: true, State: s}) {
		require.ErrorIs(t, err, ErrStalled, "before any token")
	}
	require.Error(t, err)
	assert.Equal(t, want, tokens(t, m, s))
	m, s = stalled()
	_, err = m.Step(ctx, []*State{s}, []int{1})
	require.ErrorIs(t, err, ErrStalled)
	assert.Equal(t, want, tokens(t, m, nil, 1, 2, 3))
	m, s = stalled()
	_, err = m.StepGreedy(ctx, []*State{s}, []int{1})
	require.ErrorIs(t, err, ErrStalled)
	assert.Equal(t, want, tokens(t, m, nil, 1, 2, 3))
}

// TestTogetherNotices says why a model steps layer by layer, and then does.
func TestTogetherNotices(t *testing.T) {
	few := wgpu.DefaultLimits()
	for name, open := range map[string]func(notices io.Writer) (*Model, error){
		"bias": func(notices io.Writer) (*Model, error) {
			c := togetherConfig
			c.UseBias = true
			return New(c, 1, &Options{Device: device(t), Together: true, Notices: notices})
		},
		"wider than workgroup memory": func(notices io.Writer) (*Model, error) {
			c := togetherConfig
			c.DModel = 3200
			return New(c, 1, &Options{Device: device(t), Together: true, Notices: notices})
		},
		"integers": func(notices io.Writer) (*Model, error) {
			return New(togetherConfig, 1, &Options{Device: device(t), Together: true, Notices: notices, Weights: WeightsQ8})
		},
		"few bindings": func(notices io.Writer) (*Model, error) {
			d, err := wgpu.Open(&wgpu.Options{Limits: &few, Notices: io.Discard})
			require.NoError(t, err)
			t.Cleanup(func() { d.Close() })
			return New(togetherConfig, 1, &Options{Device: d, Together: true, Notices: notices})
		},
	} {
		var said bytes.Buffer
		m, err := open(&said)
		require.NoError(t, err, name)
		assert.Contains(t, said.String(), "a dispatch for each part of a layer", name)
		assert.Nil(t, m.backend.(*gpuBackend).net.together, name)
		m.Close()
	}
}
