package cpu_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/shaders/cpu"
)

// TestModulationIsDecay holds scans whose A is shared and modulated against
// scans without either: with steps of 1, m exp(A) is exp(A + ln m), for every
// channel. All numbers are such that float32 holds A + ln m to 1e-7.
func TestModulationIsDecay(t *testing.T) {
	const batch, length, channels, states = 2, 12, 5, 7
	rng := rand.New(rand.NewPCG(1, 2))
	n := batch * length
	u, delta := random(rng, n*channels, -1, 1), constant(n*channels, 1)
	a, m := random(rng, states, -1, -0.1), random(rng, states, 0.2, 1)

	real := shaders.SelectiveScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 3 * states, OffC: states, OffM: 2 * states,
	}
	bc := random(rng, n*real.BCStride, -1, 1)
	for row := range n {
		copy(bc[row*real.BCStride+real.OffM:], m)
	}
	var folded []float32
	for range channels {
		for i := range states {
			folded = append(folded, a[i]+float32(math.Log(float64(m[i]))))
		}
	}
	state := random(rng, batch*channels*states, -1, 1)
	want, wantState := make([]float32, n*channels), slices.Clone(state)
	cpu.SelectiveScan(real, u, delta, bc, nil, folded, firstSlots(batch), wantState, want)
	real.SharedA, real.Modulated = true, true
	require.Equal(t, states, real.WeightCount())
	got := make([]float32, n*channels)
	cpu.SelectiveScan(real, u, delta, bc, nil, a, firstSlots(batch), state, got)
	near(t, want, got, "y")
	near(t, wantState, state, "state")

	complex := shaders.ComplexScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 5 * states, OffC: 2 * states, OffM: 4 * states,
	}
	bc = random(rng, n*complex.BCStride, -1, 1)
	for row := range n {
		copy(bc[row*complex.BCStride+complex.OffM:], m)
	}
	var pairs, foldedPairs []float32
	for i := range states {
		pairs = append(pairs, a[i], float32(i))
	}
	for e := range channels {
		for i := range states {
			foldedPairs = append(foldedPairs, folded[e*states+i], float32(i))
		}
	}
	state = random(rng, 2*batch*channels*states, -1, 1)
	wantState = slices.Clone(state)
	cpu.SelectiveScanComplex(complex, u, delta, bc, nil, foldedPairs, firstSlots(batch), wantState, want)
	complex.SharedA, complex.Modulated = true, true
	cpu.SelectiveScanComplex(complex, u, delta, bc, nil, pairs, firstSlots(batch), state, got)
	near(t, want, got, "complex y")
	near(t, wantState, state, "complex state")
}

// TestPackedIsSeparate runs every packed case of the scans sequence by sequence:
// each gives the same bits alone as laid end to end with the others.
func TestPackedIsSeparate(t *testing.T) {
	run := 0
	for _, kernel := range []string{"selective_scan", "selective_scan_complex", "modulated_scan"} {
		for _, c := range cases.Of(kernel) {
			if alone := separately(c); alone != nil {
				run++
				want := c.RunTwin()
				for i, a := range alone {
					assert.True(t, slices.EqualFunc(a.F32, want[i].F32, sameBits), "%s: %s", c, a.Name)
				}
			}
		}
	}
	assert.Positive(t, run)
}

// separately is the buffers of a packed case after a run of each sequence on its
// own rows, nil if the case is not packed.
func separately(c cases.Case) []cases.Arg {
	args := c.Args()
	f := func(i int) []float32 { return args[i].F32 }
	rows := func(i, first, count, width int) []float32 {
		if len(f(i)) == 0 {
			return nil
		}
		return f(i)[first*width : (first+count)*width]
	}
	switch p := c.Params.(type) {
	case shaders.SelectiveScanParams:
		for b := range p.Batch {
			if !p.Packed {
				return nil
			}
			one, e := p, p.Channels
			slot, first, n := p.Sequence(args[5].U32, b, p.Length)
			one.Packing, one.Batch, one.Length = shaders.Packing{}, 1, n
			cpu.SelectiveScan(one, rows(0, first, n, e), rows(1, first, n, e), rows(2, first, n, p.BCStride),
				rows(3, first, n, p.ZStride), f(4), []uint32{uint32(slot)}, f(6), rows(7, first, n, e))
		}
	case shaders.ComplexScanParams:
		for b := range p.Batch {
			if !p.Packed {
				return nil
			}
			one, e := p, p.Channels
			slot, first, n := p.Sequence(args[5].U32, b, p.Length)
			one.Packing, one.Batch, one.Length = shaders.Packing{}, 1, n
			cpu.SelectiveScanComplex(one, rows(0, first, n, e), rows(1, first, n, e), rows(2, first, n, p.BCStride),
				rows(3, first, n, p.ZStride), f(4), []uint32{uint32(slot)}, f(6), rows(7, first, n, e))
		}
	case shaders.ModulatedScanParams:
		for b := range p.Batch {
			if !p.Packed {
				return nil
			}
			one, e := p, p.Channels
			slot, first, n := p.Sequence(args[4].U32, b, p.Length)
			one.Packing, one.Batch, one.Length = shaders.Packing{}, 1, n
			cpu.ModulatedScan(one, rows(0, first, n, e), rows(1, first, n, 4*p.States), rows(2, first, n, p.Stride),
				f(3), []uint32{uint32(slot)}, f(5), rows(6, first, n, e))
		}
	}
	return args
}
