package cpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// scanRun is a dense scan of batch row 0, 1, ... in slots 0, 1, ...
type scanRun struct {
	p               shaders.SelectiveScanParams
	u, delta, bc, z []float32
	weights, state  []float32
}

// drawScan is a scan of random sizes and switches.
func drawScan(t *rapid.T) scanRun {
	p := shaders.SelectiveScanParams{
		Batch:    rapid.IntRange(1, 3).Draw(t, "batch"),
		Length:   rapid.IntRange(2, 20).Draw(t, "length"),
		Channels: rapid.IntRange(1, 20).Draw(t, "channels"),
		States:   rapid.IntRange(1, 9).Draw(t, "states"),
		HasZ:     rapid.Bool().Draw(t, "z"),
		HasD:     rapid.Bool().Draw(t, "D"),
		HasBias:  true,
		Softplus: rapid.Bool().Draw(t, "softplus"),
	}
	p.BCStride, p.OffC, p.ZStride = 2*p.States, p.States, p.Channels
	rng := drawRand(t)
	n := p.Batch * p.Length * p.Channels
	s := scanRun{
		p: p, u: random(rng, n, -1, 1), delta: random(rng, n, 0.1, 1),
		bc: random(rng, p.Batch*p.Length*p.BCStride, -1, 1), z: random(rng, n, -1, 1),
		state: random(rng, p.Batch*p.Channels*p.States, -1, 1),
	}
	s.weights = random(rng, p.Channels*p.States, -2, -0.1)
	s.weights = append(s.weights, random(rng, p.Channels*2, 0, 1)...)
	return s
}

// tokens is the scan of the tokens [lo, hi) of batch row b alone, from the
// given state, which it replaces. It is the outputs.
func (s scanRun) tokens(b, lo, hi int, state []float32) []float32 {
	p := s.p
	p.Batch, p.Length = 1, hi-lo
	cut := func(x []float32, width int) []float32 {
		return x[(b*s.p.Length+lo)*width : (b*s.p.Length+hi)*width]
	}
	y := make([]float32, p.Length*p.Channels)
	cpu.SelectiveScan(p, cut(s.u, p.Channels), cut(s.delta, p.Channels), cut(s.bc, p.BCStride),
		cut(s.z, p.Channels), s.weights, []uint32{0}, state, y)
	return y
}

// row is a copy of the initial state of batch row b.
func (s scanRun) row(b int) []float32 {
	size := s.p.Channels * s.p.States
	return append([]float32(nil), s.state[b*size:(b+1)*size]...)
}

// A batch row gives the same bits alone as among others.
func TestScanBatchRowIsSingleRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScan(t)
		state := append([]float32(nil), s.state...)
		y := make([]float32, len(s.u))
		cpu.SelectiveScan(s.p, s.u, s.delta, s.bc, s.z, s.weights, firstSlots(s.p.Batch), state, y)
		for b := range s.p.Batch {
			alone := s.row(b)
			out := s.tokens(b, 0, s.p.Length, alone)
			require.Equal(t, out, y[b*len(out):(b+1)*len(out)])
			require.Equal(t, alone, state[b*len(alone):(b+1)*len(alone)])
		}
	})
}

// A scan of two halves, and one step after another, are the scan of the whole.
// Between calls the state is rounded to float32, so the bits may differ.
func TestScanInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScan(t)
		cut := rapid.IntRange(1, s.p.Length-1).Draw(t, "cut")
		for b := range s.p.Batch {
			whole, halves, steps := s.row(b), s.row(b), s.row(b)
			want := s.tokens(b, 0, s.p.Length, whole)
			got := append(s.tokens(b, 0, cut, halves), s.tokens(b, cut, s.p.Length, halves)...)
			var stepped []float32
			for i := range s.p.Length {
				stepped = append(stepped, s.tokens(b, i, i+1, steps)...)
			}
			close32(t, want, got, 1e-5)
			close32(t, whole, halves, 1e-5)
			close32(t, want, stepped, 1e-5)
			close32(t, whole, steps, 1e-5)
		}
	})
}

// The slot decides where a state lies and nothing else; other slots stay.
func TestScanSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScan(t)
		slots := rapid.Permutation([]uint32{0, 1, 2, 3, 4}).Draw(t, "slots")[:s.p.Batch]
		size := s.p.Channels * s.p.States
		state := constant(5*size, 77)
		for b, slot := range slots {
			copy(state[int(slot)*size:], s.row(b))
		}
		y := make([]float32, len(s.u))
		cpu.SelectiveScan(s.p, s.u, s.delta, s.bc, s.z, s.weights, slots, state, y)
		want := constant(5*size, 77)
		for b, slot := range slots {
			alone := s.row(b)
			s.tokens(b, 0, s.p.Length, alone)
			copy(want[int(slot)*size:], alone)
		}
		require.Equal(t, want, state)
	})
}

// A convolution of two pieces, of single inputs, and of a batch row alone give
// the bits of the whole: the state holds inputs, which are not rounded.
func TestConvInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := shaders.CausalConvParams{
			Batch:    rapid.IntRange(1, 3).Draw(t, "batch"),
			Length:   rapid.IntRange(2, 20).Draw(t, "length"),
			Channels: rapid.IntRange(1, 20).Draw(t, "channels"),
			Width:    rapid.IntRange(2, 8).Draw(t, "width"),
			Bias:     rapid.Bool().Draw(t, "bias"),
			SiLU:     rapid.Bool().Draw(t, "silu"),
		}
		p.Stride = p.Channels
		rng := drawRand(t)
		x := random(rng, p.Batch*p.Length*p.Channels, -1, 1)
		weights := random(rng, p.Channels*(p.Width+1), -1, 1)
		initial := random(rng, p.Batch*p.Channels*(p.Width-1), -1, 1)

		whole, y := append([]float32(nil), initial...), make([]float32, len(x))
		cpu.CausalConv(p, x, weights, firstSlots(p.Batch), whole, y)

		cut := rapid.IntRange(1, p.Length-1).Draw(t, "cut")
		pieces, steps := append([]float32(nil), initial...), append([]float32(nil), initial...)
		for b := range p.Batch {
			run := func(lo, hi int, state []float32) {
				q := p
				q.Batch, q.Length = 1, hi-lo
				from, to := (b*p.Length+lo)*p.Channels, (b*p.Length+hi)*p.Channels
				out := make([]float32, to-from)
				cpu.CausalConv(q, x[from:to], weights, []uint32{uint32(b)}, state, out)
				require.Equal(t, y[from:to], out)
			}
			run(0, cut, pieces)
			run(cut, p.Length, pieces)
			for i := range p.Length {
				run(i, i+1, steps)
			}
		}
		require.Equal(t, whole, pieces)
		require.Equal(t, whole, steps)
	})
}

// A row of a product gives the same bits alone as among others.
func TestMatmulRowIsMatvec(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := shaders.MatmulParams{
			M: rapid.IntRange(1, 40).Draw(t, "m"),
			N: rapid.IntRange(1, 20).Draw(t, "n"),
			K: rapid.IntRange(1, 20).Draw(t, "k"),
		}
		p.LDA, p.LDC = p.K, p.N
		rng := drawRand(t)
		a, w := random(rng, p.M*p.K, -1, 1), random(rng, p.N*p.K, -1, 1)
		c := make([]float32, p.M*p.N)
		cpu.Matmul(p, a, w, nil, c)
		for m := range p.M {
			one := p
			one.M = 1
			row := make([]float32, p.N)
			cpu.Matvec(one, a[m*p.K:], w, nil, row)
			require.Equal(t, row, c[m*p.N:(m+1)*p.N])
		}
	})
}

// drawRand is a generator of random numbers with a seed that rapid chooses.
func drawRand(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
}

// random is n values in [lo, hi).
func random(rng *rand.Rand, n int, lo, hi float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = lo + (hi-lo)*rng.Float32()
	}
	return x
}

// close32 wants got within an absolute error of want.
func close32(t *rapid.T, want, got []float32, allowed float64) {
	require.Len(t, got, len(want))
	for i := range want {
		d := math.Abs(float64(want[i]) - float64(got[i]))
		require.LessOrEqual(t, d, allowed, "element %d: %v, want %v", i, got[i], want[i])
	}
}
