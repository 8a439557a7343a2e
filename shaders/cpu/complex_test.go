package cpu_test

import (
	"math"
	"math/cmplx"
	"slices"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSelectiveScanComplexReference runs the scan of the file whose A is complex.
func TestSelectiveScanComplexReference(t *testing.T) {
	tensors := readTensors(t, operations)
	get := func(name string) tensor { return tensors["scan.6."+name] }
	u, a := get("u"), get("A.re")
	batch, channels, length, states := u.Shape[0], u.Shape[1], u.Shape[2], a.Shape[1]
	_, hasZ := tensors["scan.6.z"]
	_, hasD := tensors["scan.6.D"]
	_, hasBias := tensors["scan.6.delta_bias"]
	_, hasState := tensors["scan.6.h0.re"]
	p := shaders.ComplexScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 4 * states, OffC: 2 * states, ZStride: channels,
		HasZ: hasZ, HasD: hasD, HasBias: hasBias, Softplus: true, Fresh: !hasState,
	}
	b := interleave(get("B.re").swapped(), get("B.im").swapped()) // (B, L, N, 2)
	c := interleave(get("C.re").swapped(), get("C.im").swapped())
	var bc, gate []float32
	for row := range batch * length {
		bc = append(bc, b[2*row*states:][:2*states]...)
		bc = append(bc, c[2*row*states:][:2*states]...)
	}
	if hasZ {
		gate = get("z").swapped()
	}
	state := make([]float32, 2*batch*channels*states)
	copy(state, interleave(get("h0.re").floats(), get("h0.im").floats()))
	y := make([]float32, batch*length*channels)
	weights := slices.Concat(interleave(a.floats(), get("A.im").floats()), get("D").floats(), get("delta_bias").floats())
	cpu.SelectiveScanComplex(p, u.swapped(), get("delta").swapped(), bc, gate, weights, firstSlots(batch), state, y)
	near(t, get("y").swapped(), y, "scan.6.y")
	near(t, interleave(get("last_state.re").floats(), get("last_state.im").floats()), state, "scan.6.last_state")
}

// interleave is pairs of an element of each.
func interleave(re, im []float32) []float32 {
	x := make([]float32, 0, 2*len(re))
	for i := range re {
		x = append(x, re[i], im[i])
	}
	return x
}

// discretize1 is Abar and phi of one step and one state.
func discretize1(delta float32, re, im float32) (abar, phi complex128) {
	cell := make([]float32, 4)
	cpu.Discretize(shaders.DiscretizeParams{Rows: 1, States: 1, Stride: 1}, []float32{delta}, []float32{re, im}, cell)
	return complex(float64(cell[0]), float64(cell[1])), complex(float64(cell[2]), float64(cell[3]))
}

// TestDiscretizeLimits: phi is delta where A is 0, and delta (1 + z/2 + z^2/6)
// near it; for large steps Abar is 0 and phi is -1/A.
func TestDiscretizeLimits(t *testing.T) {
	for _, delta := range []float32{1e-4, 0.1, 1, 100} {
		abar, phi := discretize1(delta, 0, 0)
		assert.Equal(t, complex128(1), abar)
		assert.Equal(t, complex(float64(delta), 0), phi)
		for _, scale := range []float32{1e-30, 1e-12, 1e-6, 1e-3} {
			re, im := -scale/delta, 2*scale/delta
			z := complex(float64(re), float64(im)) * complex(float64(delta), 0)
			abar, phi = discretize1(delta, re, im)
			within(t, cmplx.Exp(z), abar, 1e-7)
			within(t, complex(float64(delta), 0)*(1+z/2*(1+z/3*(1+z/4))), phi, 1e-7*float64(delta))
		}
	}
	for _, im := range []float32{0, 1, -30, 800} {
		abar, phi := discretize1(100, -1, im)
		within(t, 0, abar, 1e-40)
		within(t, -1/complex(-1, float64(im)), phi, 1e-7/math.Hypot(1, float64(im)))
	}
}

// TestDiscretizeClosedForm: a real A, where phi is expm1(delta A)/A, and a half
// turn, where Abar is -exp(delta Re A).
func TestDiscretizeClosedForm(t *testing.T) {
	for _, delta := range []float32{1e-4, 1e-2, 0.5, 3} {
		abar, phi := discretize1(delta, -0.5, 0)
		within(t, complex(math.Exp(-0.5*float64(delta)), 0), abar, 1e-7)
		within(t, complex(math.Expm1(-0.5*float64(delta))/-0.5, 0), phi, 1e-7*float64(delta))
	}
	abar, phi := discretize1(1, -0.25, math.Pi)
	e := math.Exp(-0.25)
	within(t, complex(-e, 0), abar, 1e-6)
	within(t, complex(-e-1, 0)/complex(-0.25, math.Pi), phi, 1e-6)
}

// TestDiscretizeHalves: two half steps are the whole one, Abar^2 and
// (1 + Abar) phi.
func TestDiscretizeHalves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		delta := rapid.Float32Range(1e-4, 10).Draw(t, "delta")
		re := rapid.Float32Range(-4, 0).Draw(t, "re")
		im := rapid.Float32Range(-100, 100).Draw(t, "im")
		half, part := discretize1(delta/2, re, im)
		abar, phi := discretize1(delta, re, im)
		require.LessOrEqual(t, cmplx.Abs(half*half-abar), 4e-7)
		require.LessOrEqual(t, cmplx.Abs((1+half)*part-phi), 4e-7*float64(delta))
	})
}

// TestDiscretizeModulation: the sigmoid scales Abar and leaves phi alone, and
// softplus is applied to the step.
func TestDiscretizeModulation(t *testing.T) {
	p := shaders.DiscretizeParams{Rows: 1, States: 1, Stride: 2, OffMod: 1, Softplus: true, Modulated: true}
	cell := make([]float32, 4)
	cpu.Discretize(p, []float32{0, 0}, []float32{-1, 2}, cell)
	abar, phi := discretize1(math.Ln2, -1, 2)
	within(t, abar/2, complex(float64(cell[0]), float64(cell[1])), 1e-7)
	within(t, phi, complex(float64(cell[2]), float64(cell[3])), 1e-7)
}

func within(t *testing.T, want, got complex128, allowed float64) {
	t.Helper()
	assert.LessOrEqual(t, cmplx.Abs(got-want), allowed, "%v, want %v", got, want)
}

// TestComplexScanOfRealIsScan: without imaginary parts the complex scan is the
// real one with C doubled.
func TestComplexScanOfRealIsScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScan(t)
		state, want := slices.Clone(s.state), make([]float32, len(s.u))
		bc := slices.Clone(s.bc)
		for i := range bc {
			if i%s.p.BCStride >= s.p.OffC {
				bc[i] *= 2
			}
		}
		cpu.SelectiveScan(s.p, s.u, s.delta, bc, s.z, s.weights, firstSlots(s.p.Batch), state, want)

		p := complexParams(s.p)
		n := p.Channels * p.States
		zeros := func(x []float32) []float32 { return interleave(x, make([]float32, len(x))) }
		got, pairs := make([]float32, len(s.u)), zeros(s.state)
		cpu.SelectiveScanComplex(p, s.u, s.delta, zeros(s.bc), s.z, append(zeros(s.weights[:n]), s.weights[n:]...),
			firstSlots(p.Batch), pairs, got)
		close32(t, want, got, 1e-6)
		close32(t, zeros(state), pairs, 1e-6)
	})
}

// complexParams is a dense real scan's with pairs in place of numbers.
func complexParams(p shaders.SelectiveScanParams) shaders.ComplexScanParams {
	return shaders.ComplexScanParams{
		Batch: p.Batch, Length: p.Length, Channels: p.Channels, States: p.States,
		BCStride: 2 * p.BCStride, OffB: 2 * p.OffB, OffC: 2 * p.OffC, ZStride: p.ZStride, OffZ: p.OffZ,
		HasZ: p.HasZ, HasD: p.HasD, HasBias: p.HasBias, Softplus: p.Softplus,
	}
}

// TestComplexScanInPieces: a scan of two halves, and one step after another, are
// the scan of the whole; the state is rounded between calls. A shared A is the
// same A for every channel, to the bit.
func TestComplexScanInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScan(t)
		p := complexParams(s.p)
		p.Batch = 1
		rng := drawRand(t)
		bc := random(rng, p.Length*p.BCStride, -1, 1)
		a := interleave(random(rng, p.States, -2, -0.1), random(rng, p.States, -10, 10))
		rest := s.weights[p.Channels*p.States:]
		p.SharedA = true
		run := func(p shaders.ComplexScanParams, weights []float32, lo, hi int, state []float32) []float32 {
			p.Length = hi - lo
			y := make([]float32, p.Length*p.Channels)
			cpu.SelectiveScanComplex(p, s.u[lo*p.Channels:], s.delta[lo*p.Channels:], bc[lo*p.BCStride:], s.z[lo*p.Channels:],
				weights, []uint32{0}, state, y)
			return y
		}
		initial := random(rng, 2*p.Channels*p.States, -1, 1)
		shared := slices.Concat(a, rest)
		whole, halves, steps, same := slices.Clone(initial), slices.Clone(initial), slices.Clone(initial), slices.Clone(initial)
		want := run(p, shared, 0, p.Length, whole)

		cut := rapid.IntRange(1, p.Length-1).Draw(t, "cut")
		got := append(run(p, shared, 0, cut, halves), run(p, shared, cut, p.Length, halves)...)
		var stepped []float32
		for i := range p.Length {
			stepped = append(stepped, run(p, shared, i, i+1, steps)...)
		}
		close32(t, want, got, 1e-5)
		close32(t, whole, halves, 1e-5)
		close32(t, want, stepped, 1e-5)
		close32(t, whole, steps, 1e-5)

		p.SharedA = false
		require.Equal(t, want, run(p, slices.Concat(slices.Repeat(a, p.Channels), rest), 0, p.Length, same))
		require.Equal(t, whole, same)
	})
}

// TestModulatedScanInPieces: a scan of two halves, and one step after another,
// are the scan of the whole, and a batch row is that row alone.
func TestModulatedScanInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := shaders.ModulatedScanParams{
			Batch:    rapid.IntRange(1, 3).Draw(t, "batch"),
			Length:   rapid.IntRange(2, 20).Draw(t, "length"),
			Channels: rapid.IntRange(1, 20).Draw(t, "channels"),
			States:   rapid.IntRange(1, 9).Draw(t, "states"),
		}
		p.Stride, p.OffC = 2*p.Channels, p.Channels
		rng := drawRand(t)
		rows := p.Batch * p.Length
		u, s := random(rng, rows*p.Channels, -1, 1), random(rng, rows*p.Stride, -1, 1)
		cells, weights := random(rng, 4*rows*p.States, -0.6, 0.6), random(rng, p.WeightCount(), -1, 1)
		size := 2 * p.Channels * p.States
		initial := random(rng, p.Batch*size, -1, 1)
		whole, y := slices.Clone(initial), make([]float32, len(u))
		cpu.ModulatedScan(p, u, cells, s, weights, firstSlots(p.Batch), whole, y)

		cut := rapid.IntRange(1, p.Length-1).Draw(t, "cut")
		for b := range p.Batch {
			run := func(lo, hi int, state []float32) []float32 {
				q := p
				q.Batch, q.Length = 1, hi-lo
				at := b*p.Length + lo
				out := make([]float32, q.Length*q.Channels)
				cpu.ModulatedScan(q, u[at*p.Channels:], cells[4*at*p.States:], s[at*p.Stride:], weights, []uint32{0}, state, out)
				return out
			}
			row := func() []float32 { return slices.Clone(initial[b*size : (b+1)*size]) }
			alone, halves, steps := row(), row(), row()
			want := run(0, p.Length, alone)
			require.Equal(t, y[b*len(want):(b+1)*len(want)], want)
			require.Equal(t, whole[b*size:(b+1)*size], alone)
			got := append(run(0, cut, halves), run(cut, p.Length, halves)...)
			var stepped []float32
			for i := range p.Length {
				stepped = append(stepped, run(i, i+1, steps)...)
			}
			close32(t, want, got, 1e-5)
			close32(t, alone, halves, 1e-5)
			close32(t, want, stepped, 1e-5)
			close32(t, alone, steps, 1e-5)
		}
	})
}

// TestModulatedScanIsClosed: one step from a known state is a product of known
// numbers.
func TestModulatedScanIsClosed(t *testing.T) {
	p := shaders.ModulatedScanParams{Batch: 1, Length: 1, Channels: 1, States: 1, Stride: 2, OffC: 1}
	state, y := []float32{3, 4}, []float32{0}
	cells := []float32{0.5, 2, 0.25, -1}                                                                       // a Abar, phi
	cpu.ModulatedScanStep(p, []float32{2}, cells, []float32{5, 7}, []float32{8, 9, 10}, []uint32{0}, state, y) // B, C, D
	// (0.5 + 2i)(3 + 4i) + ((0.25 - i) 8 + 5) 2
	assert.Equal(t, []float32{-6.5 + 14, 8 - 16}, state)
	assert.Equal(t, []float32{2*(9+7)*7.5 + 20}, y)
}

func TestLayerNormOfConstant(t *testing.T) {
	p := shaders.LayerNormParams{Rows: 2, Width: 4}
	y := make([]float32, 8)
	cpu.LayerNorm(p, []float32{1, -1, 1, -1, 11, 9, 11, 9}, []float32{1, 2, 3, 4}, []float32{0, 0, 10, 0}, y)
	assert.Equal(t, []float32{1, -2, 13, -4, 1, -2, 13, -4}, y)
	p.Eps = 1e-5
	cpu.LayerNorm(p, slices.Repeat([]float32{7}, 8), []float32{1, 2, 3, 4}, []float32{0, 0, 10, 0}, y)
	assert.Equal(t, []float32{0, 0, 10, 0, 0, 0, 10, 0}, y)
}
