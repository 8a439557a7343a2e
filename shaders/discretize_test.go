package shaders_test

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cases"
	"github.com/mambagpu/mambagpu/wgpu"
)

// TestHold looks at every phi of discretize by itself: beside Abar, or beside
// the phi of a larger step, the error of a small one would not show. An error of
// 5e-7 is measured against what phi is for small and for large steps, the smaller
// of delta and 2/|A|; an angle adds 2^-33 of its size. Steps that softplus made
// have errors of their own.
func TestHold(t *testing.T) {
	k := open(t, nil)
	worst := 0.0
	for _, c := range cases.Of("discretize") {
		p := c.Params.(shaders.DiscretizeParams)
		if p.Softplus {
			continue
		}
		got, err := c.RunGPU(k)
		require.NoError(t, err, c)
		want := c.RunTwin()
		number := func(args []cases.Arg, arg, i int) complex128 {
			x := args[arg].F32[2*i:]
			return complex(float64(x[0]), float64(x[1]))
		}
		for row := range p.Rows {
			delta := float64(want[0].F32[row*p.Stride+p.OffDelta])
			for n := range p.States {
				i := 2*(row*p.States+n) + 1
				a := number(want, 1, n)
				size := min(delta, 2/cmplx.Abs(a))
				off := cmplx.Abs(number(got, 2, i) - number(want, 2, i))
				if !assert.LessOrEqual(t, off, size*(5e-7+0x1p-33*math.Abs(imag(a))*delta), "%s: phi[%d,%d], A = %v, delta = %v", c, row, n, a, delta) {
					return
				}
				if size > 0 {
					worst = max(worst, off/size)
				}
			}
		}
	}
	t.Logf("largest error of phi %.1e", worst)
}

// TestTurn measures the kernels' sine and cosine, as exp(i delta w), for angles
// of both signs up to 1e6.
func TestTurn(t *testing.T) {
	k := open(t, nil)
	p := shaders.DiscretizeParams{Rows: 100, States: 256, Stride: 1}
	delta, a, cells := make([]float32, p.Rows), make([]float32, 2*p.States), make([]float32, 4*p.Rows*p.States)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range delta {
		delta[i] = float32(math.Pow(10, 7*rng.Float64()-4))
	}
	for n := range p.States {
		a[2*n+1] = float32(2000*rng.Float64() - 1000)
	}
	var buffers []*wgpu.Buffer
	for _, x := range [][]float32{delta, a, cells} {
		b, err := k.Device().NewBuffer("turn", uint64(4*len(x)))
		require.NoError(t, err)
		defer b.Close()
		require.NoError(t, wgpu.Upload(b, 0, x))
		buffers = append(buffers, b)
	}
	run, err := k.Discretize(p, buffers[0], buffers[1], buffers[2])
	require.NoError(t, err)
	pass := k.Device().NewPass("turn")
	defer pass.Close()
	pass.Dispatch(run)
	require.NoError(t, pass.Submit())
	require.NoError(t, wgpu.Download(buffers[2], 0, cells))
	var worst, far float64
	for i := range p.Rows * p.States {
		angle := float64(delta[i/p.States]) * float64(a[2*(i%p.States)+1])
		sin, cos := math.Sincos(angle)
		off := max(math.Abs(float64(cells[4*i])-cos), math.Abs(float64(cells[4*i+1])-sin))
		if !assert.LessOrEqual(t, off, 4e-7+0x1p-33*math.Abs(angle), "angle %v", angle) {
			return
		}
		if far = max(far, off); math.Abs(angle) <= 1e4 {
			worst = max(worst, off)
		}
	}
	t.Logf("largest error %.1e up to 1e4 radians, %.1e up to 1e6", worst, far)
}
