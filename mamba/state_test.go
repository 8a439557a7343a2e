package mamba

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/wgpu"
)

func TestStateSize(t *testing.T) {
	m := newTiny(t, Options{Adapter: GoAdapter})
	s := newState(t, m)
	assert.Equal(t, 4*2*24*(5+3), s.Size())
	assert.Equal(t, s.Size(), StateSize(m.Config()))
	before := m.MemoryInUse()
	newState(t, m)
	assert.Equal(t, before+uint64(s.Size()), m.MemoryInUse())
}

func TestStatesRefused(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		m, other := newTiny(t, opts), newTiny(t, opts)
		s, closed, foreign := newState(t, m), newState(t, m), newState(t, other)
		require.NoError(t, closed.Close())
		require.NoError(t, closed.Close())
		for _, states := range [][]*State{{s, s}, {nil}, {foreign}, {s, nil}} {
			_, err := m.Step(ctx, states, make([]int, len(states)))
			assert.ErrorAs(t, err, new(*OptionError))
		}
		_, err := m.Step(ctx, []*State{s, closed}, []int{1, 2})
		assert.Equal(t, ErrClosed, err)
		_, err = m.Step(ctx, []*State{s}, []int{1, 2})
		assert.ErrorAs(t, err, new(*OptionError))
		_, err = m.PrefillBatch(ctx, []*State{s}, [][]int{{}})
		assert.Equal(t, ErrEmptyPrompt, err)
		_, err = m.Step(ctx, []*State{s}, []int{41})
		assert.Equal(t, &TokenError{41, 41}, err)
		rows, err := m.PrefillBatch(ctx, nil, nil)
		assert.NoError(t, err)
		assert.Empty(t, rows)
		assert.Zero(t, s.Tokens(), "nothing has gone in")
		_, err = closed.Clone()
		assert.Equal(t, ErrClosed, err)
		assert.Equal(t, ErrClosed, closed.Reset())
		want := alone(t, m, []int{1})
		assert.Equal(t, want, prefill(t, m, s, []int{1}))
	})
}

// TestClosedModel calls every method after Close.
func TestClosedModel(t *testing.T) {
	withOptions(t, func(t *testing.T, opts Options) {
		opts.Tokenizer = reference + "/tokenizer.json"
		m := newTiny(t, opts)
		s := newState(t, m)
		name := m.Adapter()
		prefill(t, m, s, []int{1, 2})
		require.NoError(t, m.Close())
		require.NoError(t, m.Close())

		_, err := m.NewState()
		assert.Equal(t, ErrClosed, err)
		_, err = s.Clone()
		assert.Equal(t, ErrClosed, err)
		assert.Equal(t, ErrClosed, s.Reset())
		_, err = m.Prefill(ctx, s, []int{1})
		assert.Equal(t, ErrClosed, err)
		_, err = m.PrefillBatch(ctx, []*State{s}, [][]int{{1}})
		assert.Equal(t, ErrClosed, err)
		_, err = m.Step(ctx, []*State{s}, []int{1})
		assert.Equal(t, ErrClosed, err)
		assert.Equal(t, ErrClosed, m.Trace(ctx, []int{1}, nil))
		_, err = failure(m.Generate(ctx, "a", nil))
		assert.Equal(t, ErrClosed, err)
		_, err = failure(m.GenerateIDs(ctx, []int{1}, &GenerateOptions{State: s}))
		assert.Equal(t, ErrClosed, err)
		assert.Zero(t, m.MemoryInUse())
		assert.Equal(t, name, m.Adapter())
		assert.Equal(t, name, m.AdapterInfo().Name)
		assert.Equal(t, tiny().DModel, m.Config().DModel)
		assert.NotNil(t, m.Tokenizer())
		assert.Equal(t, 2, s.Tokens())
		assert.NoError(t, s.Close())
	})
}

// TestClosedDevice closes the caller's device under a model.
func TestClosedDevice(t *testing.T) {
	dev := lowDevice(t, 1<<20)
	m := newTiny(t, Options{Device: dev})
	s := newState(t, m)
	require.NoError(t, dev.Close())
	_, err := m.Prefill(ctx, s, []int{1})
	assert.ErrorIs(t, err, ErrClosed)
	_, err = m.NewState()
	assert.ErrorIs(t, err, ErrClosed)
	assert.NoError(t, m.Close())
}

// TestCallersDevice gives back what models held on a device and leaves it
// open.
func TestCallersDevice(t *testing.T) {
	dev := device(t)
	warm(t, Options{Device: dev})
	before := dev.MemoryInUse()
	m := newTiny(t, Options{Device: dev})
	states := newStates(t, m, 5)
	_, err := m.Step(ctx, states, make([]int, 5))
	require.NoError(t, err)
	collectTrace(t, m, []int{1, 2, 3})
	require.Greater(t, m.MemoryInUse(), before)
	require.NoError(t, m.Close())
	// The device may have begun another block for the parameters of kernels.
	const params = 64 << 10
	require.Contains(t, []uint64{before, before + params}, dev.MemoryInUse())
	require.NoError(t, dev.Wait())
}

// TestOwnDevice closes the device with the model.
func TestOwnDevice(t *testing.T) {
	m, err := onGPU()
	need(t, err)
	own, err := Load(writeModel(t, tiny(), nil), &Options{Adapter: m.Adapter()})
	require.NoError(t, err)
	require.Equal(t, m.Adapter(), own.Adapter())
	dev := own.backend.(*gpuBackend).dev
	require.NoError(t, own.Close())
	_, err = dev.NewBuffer("late", 16)
	require.Equal(t, wgpu.ErrClosed, err)
}
