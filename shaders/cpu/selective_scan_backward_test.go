package cpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
)

// scanInputs is all that a selective scan's output depends on, in float64, so that a
// difference of two outputs has digits left.
type scanInputs struct {
	p                                      shaders.SelectiveScanParams
	u, delta, bc, z, weights, state, cotan []float64 // cotan is the gradient of y
	slots                                  []uint32
}

// loss is the sum of y times cotan, by the equations of MATH and nothing else.
func (s *scanInputs) loss() (sum float64) {
	p := s.p
	weight := func(i int) float64 { return s.weights[i] }
	skipAt := p.Channels * p.States
	if p.SharedA {
		skipAt = p.States
	}
	biasAt := skipAt
	if p.HasD {
		biasAt += p.Channels
	}
	for b := range p.Batch {
		for e := range p.Channels {
			h := make([]float64, p.States)
			if !p.Fresh {
				copy(h, s.state[(int(s.slots[b])*p.Channels+e)*p.States:])
			}
			for t := range p.Length {
				row := b*p.Length + t
				d, u, y := s.delta[row*p.Channels+e], s.u[row*p.Channels+e], 0.0
				if p.HasBias {
					d += weight(biasAt + e)
				}
				if p.Softplus {
					d = math.Log1p(math.Exp(d))
				}
				for n := range h {
					a := e*p.States + n
					if p.SharedA {
						a = n
					}
					h[n] = math.Exp(d*weight(a))*h[n] + d*u*s.bc[row*p.BCStride+p.OffB+n]
					y += h[n] * s.bc[row*p.BCStride+p.OffC+n]
				}
				if p.HasD {
					y += weight(skipAt+e) * u
				}
				if p.HasZ {
					z := s.z[row*p.ZStride+p.OffZ+e]
					y *= z / (1 + math.Exp(-z))
				}
				sum += y * s.cotan[row*p.Channels+e]
			}
		}
	}
	return sum
}

// slope is the derivative of loss by x[i], by two differences of which the error of
// second order cancels.
func (s *scanInputs) slope(x []float64, i int) float64 {
	const step = 1e-3
	at := x[i]
	difference := func(h float64) float64 {
		x[i] = at + h
		up := s.loss()
		x[i] = at - h
		down := s.loss()
		x[i] = at
		return (up - down) / (2 * h)
	}
	return (4*difference(step/2) - difference(step)) / 3
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// TestSelectiveScanBackwardDifferences holds every gradient against differences of the
// scan's output, for each combination of the switches.
func TestSelectiveScanBackwardDifferences(t *testing.T) {
	for bits := range 64 {
		p := shaders.SelectiveScanParams{
			Batch: 2, Length: 5, Channels: 3, States: 2, BCStride: 7, OffB: 4, OffC: 1, ZStride: 5, OffZ: 1,
			HasZ: bits&1 != 0, HasD: bits&2 != 0, HasBias: bits&4 != 0,
			Softplus: bits&8 != 0, Fresh: bits&16 != 0, SharedA: bits&32 != 0,
		}
		t.Run(fmt.Sprintf("%06b", bits), func(t *testing.T) { checkScanDifferences(t, p) })
	}
}

func checkScanDifferences(t *testing.T, p shaders.SelectiveScanParams) {
	rng := rand.New(rand.NewPCG(3, 4))
	rows := p.Batch * p.Length
	u, delta := random(rng, rows*p.Channels, -1, 1), random(rng, rows*p.Channels, 0.2, 1)
	bc, z := random(rng, rows*p.BCStride, -1, 1), random(rng, rows*p.ZStride, -2, 2)
	weights, dy := random(rng, p.WeightCount(), -1, 0.5), random(rng, rows*p.Channels, -1, 1)
	slots, state := []uint32{2, 0}, random(rng, 3*p.Channels*p.States, -1, 1)
	in := &scanInputs{p, wide(u), wide(delta), wide(bc), wide(z), wide(weights), wide(state), wide(dy), slots}

	const before = 0.25 // in every array of gradients
	dbc, dz := constant(rows*p.BCStride, before), constant(rows*p.ZStride, before)
	dweights, dstate := constant(p.WeightCount(), before), constant(p.Batch*p.Channels*p.States, before)
	cpu.SelectiveScanBackward(p, u, delta, bc, z, weights, slots, slices.Clone(state), dy, dbc, dz, dweights, dstate)

	check := func(name string, got []float32, x []float64, at func(i int) int, added float64) {
		t.Helper()
		for i, g := range got {
			j := at(i)
			if j < 0 {
				assert.Equal(t, float32(before), g, "%s[%d] is none of the gradients", name, i)
				continue
			}
			assert.InDelta(t, in.slope(x, j)+added, float64(g), 2e-6, "%s[%d]", name, i)
		}
	}
	all := func(i int) int { return i }
	check("du", dy, in.u, all, 0)
	check("ddelta", delta, in.delta, all, 0)
	check("dweights", dweights, in.weights, all, before)
	check("dbc", dbc, in.bc, func(i int) int {
		if n := i % p.BCStride; n >= p.OffB && n < p.OffB+p.States || n >= p.OffC && n < p.OffC+p.States {
			return i
		}
		return -1
	}, 0)
	check("dz", dz, in.z, func(i int) int {
		if e := i%p.ZStride - p.OffZ; p.HasZ && e >= 0 && e < p.Channels {
			return i
		}
		return -1
	}, 0)
	if p.Fresh {
		// A state of zero that is not looked at has a gradient too.
		in.p.Fresh = false
		clear(in.state)
	}
	perSlot := p.Channels * p.States
	check("dstate", dstate, in.state, func(i int) int { return int(slots[i/perSlot])*perSlot + i%perSlot }, 0)
}

// TestSelectiveScanBackwardWithoutState leaves out the gradient of the initial state,
// which changes nothing else.
func TestSelectiveScanBackwardWithoutState(t *testing.T) {
	p := shaders.SelectiveScanParams{Batch: 1, Length: 4, Channels: 2, States: 3, BCStride: 6, OffC: 3}
	run := func(dstate []float32) []float32 {
		rng := rand.New(rand.NewPCG(5, 6))
		u, delta := random(rng, 8, -1, 1), random(rng, 8, 0.2, 1)
		bc, weights, dy := random(rng, 24, -1, 1), random(rng, 6, -1, 0), random(rng, 8, -1, 1)
		dbc, dweights := make([]float32, 24), make([]float32, 6)
		cpu.SelectiveScanBackward(p, u, delta, bc, nil, weights, []uint32{0}, random(rng, 6, -1, 1), dy, dbc, nil, dweights, dstate)
		return slices.Concat(delta, dy, dbc, dweights)
	}
	dstate := make([]float32, 6)
	require.Equal(t, run(nil), run(dstate))
	assert.NotContains(t, dstate, float32(0))
}
