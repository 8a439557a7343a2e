package shaders_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// flowSizes is FlowOutStep of W_out in float32, whose row n is a part of order scale(n), so
// that sums are of all sizes; u is u in every channel.
type flowSizes struct {
	p     shaders.FlowOutStepParams
	scale func(n int) float64
	u     float32
}

// arrays are those of FlowOutStep, flow as numbers.
func (f flowSizes) arrays() (flow, wdt, weights, state, w []float32) {
	p := f.p
	flow, state = make([]float32, p.Flow().Numbers()), make([]float32, p.Channels*p.States)
	for i := p.Width; i < len(flow); i++ {
		flow[i] = f.u * float32(1+i%7) / 7
	}
	wdt = make([]float32, p.Channels*p.Rank)
	weights = make([]float32, p.Channels*(p.States+2))
	for i := range weights {
		weights[i] = -1 + float32(i%5)/10
	}
	w = make([]float32, p.Width*p.Channels)
	for i := range w {
		w[i] = float32(f.scale(i/p.Channels) * (float64(i%13) - 5.5))
	}
	return flow, wdt, weights, state, w
}

// run is out_proj's sums as the twin has them and as FlowEnd leaves them in the residual,
// which is zero, in words as they are.
func (f flowSizes) run(t *testing.T, k *shaders.Kernels) (want, got []float32) {
	t.Helper()
	p := f.p
	flow, wdt, weights, state, w := f.arrays()
	for i := range p.Width { // the residual
		flow[len(flow)-2*p.Channels-p.Width+i] = 0
	}
	end := shaders.FlowEndParams{Layers: 1, Flow: p.Flow()}
	buffer := func(words int, image []byte) *wgpu.Buffer {
		b, err := k.Device().NewBuffer("array", 4*uint64(words))
		require.NoError(t, err)
		t.Cleanup(func() { b.Close() })
		if image != nil {
			require.NoError(t, b.Write(0, image))
		}
		return b
	}
	floats := func(x []float32) *wgpu.Buffer { return buffer(len(x), shaders.Encode(shaders.F32, x)) }
	even, odd, residual := buffer(end.ArrayWords(), nil), buffer(end.ArrayWords(), nil), buffer(p.Width, nil)
	require.NoError(t, wgpu.Upload(even, 0, p.Flow().Pack(flow)))
	step, err := k.FlowOutStep(p, even, floats(wdt), floats(weights), buffer(1, nil), floats(state), buffer(len(w), shaders.BlockColumns(shaders.Encode(shaders.F32, w), p.Width)))
	require.NoError(t, err)
	last, err := k.FlowEnd(end, even, odd, residual)
	require.NoError(t, err)
	pass := k.Device().NewPass("flow")
	defer pass.Close()
	pass.Dispatch(step, last)
	require.NoError(t, pass.Submit())
	got = make([]float32, p.Width)
	require.NoError(t, wgpu.Download(residual, 0, got))
	cpu.FlowOutStep(p, flow, wdt, weights, []uint32{0}, state, w)
	return flow[:p.Width], got
}

var flowSize = shaders.FlowOutStepParams{Width: 64, Channels: 160, Rank: 4, States: 8, DtWeights: shaders.F32, OutWeights: shaders.F32}

// TestFlowOfAllSizes has sums from 2^-96 to 2^94, each as exact as those of order 1.
func TestFlowOfAllSizes(t *testing.T) {
	f := flowSizes{p: flowSize, u: 1, scale: func(n int) float64 { return math.Ldexp(1, 3*(n-32)) }}
	want, got := f.run(t, open(t, nil))
	for n := range want {
		require.NotZero(t, want[n])
		assert.InEpsilon(t, want[n], got[n], 2e-5, "row %d", n)
	}
}

// TestFlowIsTheSame runs a step several times: the bits of its sums do not depend on the order
// of the workgroups.
func TestFlowIsTheSame(t *testing.T) {
	k := open(t, nil)
	f := flowSizes{p: flowSize, u: 1, scale: func(n int) float64 { return 1 + float64(n)/10 }}
	_, first := f.run(t, k)
	for range 5 {
		_, again := f.run(t, k)
		assert.Equal(t, first, again)
	}
}

// TestFlowOfNoNumber has an infinite or missing number in a channel: every sum is NaN, as every
// number of the next layer's would be.
func TestFlowOfNoNumber(t *testing.T) {
	k := open(t, nil)
	for _, u := range []float64{math.NaN(), math.Inf(1)} {
		f := flowSizes{p: flowSize, u: float32(u), scale: func(int) float64 { return 1 }}
		_, got := f.run(t, k)
		for n := range got {
			assert.True(t, math.IsNaN(float64(got[n])), "%v, row %d: %v", u, n, got[n])
		}
	}
}
