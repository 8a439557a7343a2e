package cpu_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slopes is the derivative of f by every element of x, by central differences in
// float64: right to about 1e-9 of f's size.
func slopes(f func() float64, x []float64) []float64 {
	d := make([]float64, len(x))
	for i, v := range x {
		h := 1e-5 * max(1, math.Abs(v))
		x[i] = v + h
		above := f()
		x[i] = v - h
		d[i] = (above - f()) / (2 * h)
		x[i] = v
	}
	return d
}

// double is x in float64.
func double(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// nearSlopes asserts that got is want within 3e-7 of the largest value, which is
// float32's rounding and the differences'.
func nearSlopes(t *testing.T, want []float64, got []float32, name string) {
	t.Helper()
	nearSlopesTo(t, want, got, 3e-7, name)
}

// nearSlopesTo asserts that got is want within so much of the largest value.
func nearSlopesTo(t *testing.T, want []float64, got []float32, allowed float64, name string) {
	t.Helper()
	require.Len(t, got, len(want), name)
	var largest float64
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	require.Positive(t, largest, "%s: nothing to compare", name)
	for i, v := range want {
		require.InDelta(t, v, got[i], allowed*largest, "%s[%d]", name, i)
	}
}

// complexAt is pair i of x.
func complexAt(x []float64, i int) complex128 { return complex(x[2*i], x[2*i+1]) }

// complexScanInputs are a dense complex scan's in float64.
type complexScanInputs struct {
	p                                   shaders.ComplexScanParams
	u, delta, bc, z, weights, state, dy []float64
}

// loss is the sum of dy times the scan's output, from the equations in the
// documentation of ComplexScanParams.
func (s complexScanInputs) loss() (sum float64) {
	p, n := s.p, s.p.States
	for b := range p.Batch {
		for e := range p.Channels {
			first, rest := 0, 2*n
			if !p.SharedA {
				first, rest = e*n, 2*n*p.Channels
			}
			var skip, bias float64
			if p.HasD {
				skip = s.weights[rest+e]
				rest += p.Channels
			}
			if p.HasBias {
				bias = s.weights[rest+e]
			}
			h := make([]complex128, n)
			for i := range h {
				if !p.Fresh {
					h[i] = complexAt(s.state, (b*p.Channels+e)*n+i)
				}
			}
			for t := range p.Length {
				row := b*p.Length + t
				u, d := s.u[row*p.Channels+e], s.delta[row*p.Channels+e]+bias
				if p.Softplus {
					d = math.Log1p(math.Exp(d))
				}
				bt, ct := s.bc[row*p.BCStride+p.OffB:], s.bc[row*p.BCStride+p.OffC:]
				y := skip * u
				for i := range h {
					f := cmplx.Exp(complex(d, 0) * complexAt(s.weights, first+i))
					h[i] = f*h[i] + complex(d*u, 0)*complexAt(bt, i)
					y += 2 * real(h[i]*complexAt(ct, i))
				}
				if p.HasZ {
					z := s.z[row*p.ZStride+p.OffZ+e]
					y *= z / (1 + math.Exp(-z))
				}
				sum += s.dy[row*p.Channels+e] * y
			}
		}
	}
	return sum
}

// TestComplexScanBackwardIsDerivative compares all gradients with differences, with
// and without every switch.
func TestComplexScanBackwardIsDerivative(t *testing.T) {
	for number := range 64 {
		bit := func(i int) bool { return number>>i&1 != 0 }
		p := shaders.ComplexScanParams{
			Batch: 2, Length: 4, Channels: 3, States: 2, BCStride: 11, OffB: 1, OffC: 6, ZStride: 5, OffZ: 2,
			HasZ: bit(0), HasD: bit(1), HasBias: bit(2), Softplus: bit(3), Fresh: bit(4), SharedA: bit(5),
		}
		rng := rand.New(rand.NewPCG(uint64(number), 5))
		rows := p.Batch * p.Length
		a := interleave(random(rng, (p.WeightCount()-2*p.Channels)/2+p.Channels, -2, -0.1), random(rng, p.WeightCount(), -3, 3))
		u, delta := random(rng, rows*p.Channels, -1, 1), random(rng, rows*p.Channels, 0.1, 1)
		bc, z := random(rng, rows*p.BCStride, -1, 1), random(rng, rows*p.ZStride, -2, 2)
		weights := slices.Concat(a, random(rng, p.WeightCount(), 0, 1))[:p.WeightCount()]
		slots, state := []uint32{2, 0}, random(rng, 3*2*p.Channels*p.States, -1, 1)
		dy := random(rng, rows*p.Channels, -1, 1)

		size := 2 * p.Channels * p.States
		s := complexScanInputs{p, double(u), double(delta), double(bc), double(z), double(weights),
			double(slices.Concat(state[2*size:], state[:size])), double(dy)}
		du, ddelta, kept := slices.Clone(dy), slices.Clone(delta), slices.Clone(state)
		dbc, dz := constant(len(bc), 7), constant(len(z), 7)
		dweights, dstate := constant(len(weights), 0), constant(2*size, 0)
		cpu.SelectiveScanComplexBackward(p, u, ddelta, bc, z, weights, slots, state, du, dbc, dz, dweights, dstate)

		nearSlopes(t, slopes(s.loss, s.u), du, "du")
		nearSlopes(t, slopes(s.loss, s.delta), ddelta, "ddelta")
		nearSlopes(t, slopes(s.loss, s.weights), dweights, "dweights")
		if !p.Fresh {
			nearSlopes(t, slopes(s.loss, s.state), dstate, "dstate")
		}
		nearColumns(t, slopes(s.loss, s.bc), dbc, p.BCStride, "dB", p.OffB, 2*p.States)
		nearColumns(t, slopes(s.loss, s.bc), dbc, p.BCStride, "dC", p.OffC, 2*p.States)
		for _, c := range []int{0, 5, 10} {
			assert.Equal(t, constant(rows, 7), columns(dbc, p.BCStride, c, 1))
		}
		if p.HasZ {
			nearColumns(t, slopes(s.loss, s.z), dz, p.ZStride, "dz", p.OffZ, p.Channels)
			assert.Equal(t, constant(rows*2, 7), columns(dz, p.ZStride, 0, 2))
		}
		assert.Equal(t, kept, state, "the initial state is read only")

		again := slices.Clone(dweights)
		cpu.SelectiveScanComplexBackward(p, u, slices.Clone(delta), bc, z, weights, slots, state, slices.Clone(dy), dbc, dz, again, nil)
		for i, v := range dweights {
			assert.InDelta(t, 2*v, again[i], 1e-6, "the weights' gradients are added")
		}
	}
}

// columns is width columns of x from column first on.
func columns[T any](x []T, stride, first, width int) []T {
	var list []T
	for row := 0; row < len(x); row += stride {
		list = append(list, x[row+first:row+first+width]...)
	}
	return list
}

func nearColumns(t *testing.T, want []float64, got []float32, stride int, name string, first, width int) {
	t.Helper()
	nearSlopes(t, columns(want, stride, first, width), columns(got, stride, first, width), name)
}

// TestComplexScanBackwardReference computes the gradients of the file's scan whose A
// is complex.
func TestComplexScanBackwardReference(t *testing.T) {
	tensors := readTensors(t, operations)
	get := func(name string) tensor { return tensors["scan.6."+name] }
	both := func(name string) []float32 {
		re, im := get(name+".re"), get(name+".im")
		if len(re.Shape) == 3 {
			return interleave(re.swapped(), im.swapped()) // (B, L, N, 2)
		}
		return interleave(re.floats(), im.floats())
	}
	u, a := get("u"), get("A.re")
	batch, channels, length, states := u.Shape[0], u.Shape[1], u.Shape[2], a.Shape[1]
	_, hasZ := tensors["scan.6.z"]
	p := shaders.ComplexScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 4 * states, OffC: 2 * states, ZStride: channels,
		HasZ: hasZ, HasD: true, HasBias: true, Softplus: true, Fresh: true,
	}
	b, c := both("B"), both("C")
	var bc, z []float32
	for row := range batch * length {
		bc = append(bc, b[2*row*states:][:2*states]...)
		bc = append(bc, c[2*row*states:][:2*states]...)
	}
	if hasZ {
		z = get("z").swapped()
	}
	weights := slices.Concat(both("A"), get("D").floats(), get("delta_bias").floats())
	du, ddelta := get("dy").swapped(), get("delta").swapped()
	dbc, dz, dweights := constant(len(bc), 0), constant(len(z), 0), constant(len(weights), 0)
	cpu.SelectiveScanComplexBackward(p, u.swapped(), ddelta, bc, z, weights, firstSlots(batch), nil, du, dbc, dz, dweights, nil)

	near(t, get("grad.u").swapped(), du, "grad.u")
	near(t, get("grad.delta").swapped(), ddelta, "grad.delta")
	near(t, both("grad.B"), columns(dbc, p.BCStride, 0, 2*states), "grad.B")
	near(t, both("grad.C"), columns(dbc, p.BCStride, p.OffC, 2*states), "grad.C")
	near(t, slices.Concat(both("grad.A")), dweights[:2*channels*states], "grad.A")
	near(t, get("grad.D").floats(), dweights[2*channels*states:][:channels], "grad.D")
	near(t, get("grad.delta_bias").floats(), dweights[(2*states+1)*channels:], "grad.delta_bias")
	if hasZ {
		near(t, get("grad.z").swapped(), dz, "grad.z")
	}
}

// modulatedInputs are a dense modulated scan's in float64.
type modulatedInputs struct {
	p                               shaders.ModulatedScanParams
	u, cells, s, weights, state, dy []float64
}

// loss is the sum of dy times the scan's output, from the equations in the
// documentation of ModulatedScanParams.
func (m modulatedInputs) loss() (sum float64) {
	p, n := m.p, m.p.States
	size := p.Channels * n
	for b := range p.Batch {
		for e := range p.Channels {
			h := make([]complex128, n)
			for i := range h {
				if !p.Fresh {
					h[i] = complexAt(m.state, (b*p.Channels+e)*n+i)
				}
			}
			for t := range p.Length {
				row := b*p.Length + t
				u := m.u[row*p.Channels+e]
				y := m.weights[2*size+e] * u
				for i := range h {
					f, phi := complexAt(m.cells, 2*(row*n+i)), complexAt(m.cells, 2*(row*n+i)+1)
					x := phi*complex(m.weights[e*n+i], 0) + complex(m.s[row*p.Stride+p.OffB+e], 0)
					h[i] = f*h[i] + x*complex(u, 0)
					y += 2 * real(complex(m.weights[size+e*n+i]+m.s[row*p.Stride+p.OffC+e], 0)*h[i])
				}
				sum += m.dy[row*p.Channels+e] * y
			}
		}
	}
	return sum
}

// TestModulatedScanBackwardIsDerivative compares all gradients with differences.
func TestModulatedScanBackwardIsDerivative(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		p := shaders.ModulatedScanParams{Batch: 2, Length: 5, Channels: 3, States: 4, Stride: 9, OffB: 5, OffC: 1, Fresh: fresh}
		rng := rand.New(rand.NewPCG(3, 5))
		rows, size := p.Batch*p.Length, 2*p.Channels*p.States
		u, cells := random(rng, rows*p.Channels, -1, 1), random(rng, 4*rows*p.States, -0.7, 0.7)
		s, weights := random(rng, rows*p.Stride, -1, 1), random(rng, p.WeightCount(), -1, 1)
		slots, state := []uint32{2, 0}, random(rng, 3*size, -1, 1)
		dy := random(rng, rows*p.Channels, -1, 1)
		m := modulatedInputs{p, double(u), double(cells), double(s), double(weights),
			double(slices.Concat(state[2*size:], state[:size])), double(dy)}

		du, kept := slices.Clone(dy), slices.Clone(state)
		dcells, ds := constant(len(cells), 7), constant(len(s), 7)
		dweights, dstate := constant(len(weights), 1), constant(2*size, 7)
		cpu.ModulatedScanBackward(p, u, cells, s, weights, slots, state, du, dcells, ds, dweights, dstate)
		for i := range dweights {
			dweights[i]-- // they are added
		}
		nearSlopes(t, slopes(m.loss, m.u), du, "du")
		nearSlopes(t, slopes(m.loss, m.cells), dcells, "dcells")
		nearSlopes(t, slopes(m.loss, m.weights), dweights, "dweights")
		nearColumns(t, slopes(m.loss, m.s), ds, p.Stride, "db", p.OffB, p.Channels)
		nearColumns(t, slopes(m.loss, m.s), ds, p.Stride, "dc", p.OffC, p.Channels)
		for _, c := range []int{0, 4, 8} {
			assert.Equal(t, constant(rows, 7), columns(ds, p.Stride, c, 1))
		}
		if !fresh {
			nearSlopes(t, slopes(m.loss, m.state), dstate, "dstate")
		}
		assert.Equal(t, kept, state, "the initial state is read only")
	}
}

// discretizeLoss is the sum of dcells times the cells, from the equations in the
// documentation of DiscretizeParams. phi is a sum of 40 terms, which loses no digits
// for the |delta A| up to 6 of the tests.
func discretizeLoss(p shaders.DiscretizeParams, s, a, dcells []float64) (sum float64) {
	for t := range p.Rows {
		row := s[t*p.Stride:]
		delta := row[p.OffDelta]
		if p.Softplus {
			delta = math.Log1p(math.Exp(delta))
		}
		for n := range p.States {
			an, m := complexAt(a, n), 1.0
			if p.Log {
				an = complex(-math.Exp(a[n]), a[p.States+n])
			}
			if p.Modulated {
				m = 1 / (1 + math.Exp(-row[p.OffMod+n]))
			}
			z := complex(delta, 0) * an
			abar := complex(m, 0) * cmplx.Exp(z)
			phi, term := complex128(0), complex(delta, 0)
			for k := 1.0; k < 40; k++ {
				phi += term
				term *= z / complex(k+1, 0)
			}
			d := dcells[4*(t*p.States+n):]
			sum += d[0]*real(abar) + d[1]*imag(abar) + d[2]*real(phi) + d[3]*imag(phi)
		}
	}
	return sum
}

// TestDiscretizeBackwardIsDerivative compares all gradients with differences, for
// steps and decays on both sides of where the series ends.
func TestDiscretizeBackwardIsDerivative(t *testing.T) {
	for number := range 8 {
		for _, scale := range []float32{1e-4, 1e-2, 0.2, 1} {
			p := shaders.DiscretizeParams{Rows: 70, States: 3, Stride: 7, OffDelta: 5, OffMod: 1,
				Softplus: number&1 != 0, Modulated: number&2 != 0, Log: number&4 != 0}
			rng := rand.New(rand.NewPCG(uint64(number), 7))
			s, a := random(rng, p.Rows*p.Stride, 0.1, 2), random(rng, 2*p.States, -2, 2)
			for i := range a {
				if p.Log && i < p.States {
					a[i] = min(a[i], 1)
				} else {
					a[i] *= scale
				}
			}
			dcells := random(rng, 4*p.Rows*p.States, -1, 1)
			ws, wa, wd := double(s), double(a), double(dcells)
			loss := func() float64 { return discretizeLoss(p, ws, wa, wd) }
			ds, da := constant(len(s), 7), constant(len(a), 1)
			cpu.DiscretizeBackward(p, s, a, dcells, ds, da)
			name := fmt.Sprintf("%+v scale %v ", p, scale)
			for i := range da {
				da[i]-- // they are added
			}
			nearSlopesTo(t, slopes(loss, wa), da, 2e-6, name+"da") // 1 was added and subtracted
			slope := slopes(loss, ws)
			nearColumns(t, slope, ds, p.Stride, name+"ddelta", p.OffDelta, 1)
			rest := []int{0, 4, 6}
			if p.Modulated {
				nearColumns(t, slope, ds, p.Stride, name+"dm", p.OffMod, p.States)
			} else {
				rest = append(rest, 1, 2, 3)
			}
			for _, c := range rest {
				assert.Equal(t, constant(p.Rows, 7), columns(ds, p.Stride, c, 1))
			}
		}
	}
}
