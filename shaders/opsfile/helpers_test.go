package opsfile_test

import (
	"bytes"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders/opsfile"
)

// tensors is a file in the making: shapes and values by name.
type tensors map[string]tensor

type tensor struct {
	shape  []int
	values []float32
	dtype  checkpoint.DType // F32 if none
}

// put adds a tensor of values between lo and hi and returns them.
func (f tensors) put(rng *rand.Rand, name string, lo, hi float64, shape ...int) []float32 {
	n := 1
	for _, d := range shape {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(lo + (hi-lo)*rng.Float64())
	}
	f[name] = tensor{shape: shape, values: values}
	return values
}

// flag adds a flag of type I64.
func (f tensors) flag(name string, on bool) {
	v := float32(0)
	if on {
		v = 1
	}
	f[name] = tensor{shape: []int{1}, values: []float32{v}, dtype: checkpoint.I64}
}

// bytes is the file.
func (f tensors) bytes(t testing.TB, metadata map[string]string) []byte {
	t.Helper()
	var list []checkpoint.NamedData
	for name, x := range f {
		var data []byte
		var err error
		switch x.dtype {
		case 0:
			x.dtype = checkpoint.F32
			fallthrough
		case checkpoint.F32, checkpoint.F16, checkpoint.BF16, checkpoint.F64:
			data, err = checkpoint.Encode(x.dtype, x.values)
			require.NoError(t, err)
		default: // whole numbers, little-endian
			for _, v := range x.values {
				data = append(data, byte(v))
				data = append(data, make([]byte, x.dtype.Size()-1)...)
			}
		}
		list = append(list, checkpoint.NamedData{Name: name, DType: x.dtype, Shape: x.shape, Data: data})
	}
	var b bytes.Buffer
	require.NoError(t, checkpoint.WriteSafetensors(&b, list, metadata))
	return b.Bytes()
}

// open opens the file.
func (f tensors) open(t testing.TB, metadata map[string]string) (*opsfile.File, error) {
	t.Helper()
	return openBytes(f.bytes(t, metadata))
}

func openBytes(data []byte) (*opsfile.File, error) {
	return opsfile.OpenReader("x", bytes.NewReader(data), int64(len(data)))
}

// scanSpec is the sizes and switches of a scan that is made for a test.
type scanSpec struct {
	batch, channels, length, states int
	complex, softplus               bool
	d, z, bias, h0                  bool
}

// addScan adds a scan with what it should give, computed element by element in
// the layout of the file.
func (f tensors) addScan(rng *rand.Rand, name string, s scanSpec) {
	nb, nd, nl, nn := s.batch, s.channels, s.length, s.states
	put := func(member string, lo, hi float64, shape ...int) []float32 {
		return f.put(rng, name+"."+member, lo, hi, shape...)
	}
	pair := func(member string, lo, hi float64, shape ...int) []complex128 {
		if !s.complex {
			return widen(put(member, lo, hi, shape...), nil)
		}
		return widen(put(member+".re", lo, hi, shape...), put(member+".im", -2, 2, shape...))
	}
	u := put("u", -1, 1, nb, nd, nl)
	delta := put("delta", 0.1, 1, nb, nd, nl)
	a := pair("A", -1, -0.1, nd, nn)
	b := pair("B", -1, 1, nb, nn, nl)
	c := pair("C", -1, 1, nb, nn, nl)
	h := make([]complex128, nb*nd*nn)
	var d, z, bias []float32
	if s.d {
		d = put("D", -1, 1, nd)
	}
	if s.z {
		z = put("z", -2, 2, nb, nd, nl)
	}
	if s.bias {
		bias = put("delta_bias", 0, 0.5, nd)
	}
	if s.h0 {
		copy(h, pair("h0", -1, 1, nb, nd, nn))
	}
	y := make([]float32, len(u))
	for i := range y { // (B, D, L)
		t, e, row := i%nl, i/nl%nd, i/nl/nd
		step := float64(delta[i])
		if s.bias {
			step += float64(bias[e])
		}
		if s.softplus {
			step = math.Log1p(math.Exp(step))
		}
		sum := complex(0, 0)
		for n := range nn {
			at := (row*nd+e)*nn + n
			bc := (row*nn+n)*nl + t
			h[at] = cmplx.Exp(complex(step, 0)*a[e*nn+n])*h[at] + complex(step*float64(u[i]), 0)*b[bc]
			sum += h[at] * c[bc]
		}
		out := real(sum)
		if s.complex {
			out *= 2
		}
		if s.d {
			out += float64(d[e]) * float64(u[i])
		}
		if s.z {
			gate := float64(z[i])
			out *= gate / (1 + math.Exp(-gate))
		}
		y[i] = float32(out)
	}
	f[name+".y"] = tensor{shape: []int{nb, nd, nl}, values: y}
	re, im := narrow(h)
	if s.complex {
		f[name+".last_state.re"] = tensor{shape: []int{nb, nd, nn}, values: re}
		f[name+".last_state.im"] = tensor{shape: []int{nb, nd, nn}, values: im}
	} else {
		f[name+".last_state"] = tensor{shape: []int{nb, nd, nn}, values: re}
	}
	if !s.softplus {
		f.flag(name+".delta_softplus", false)
	}
}

func widen(re, im []float32) []complex128 {
	out := make([]complex128, len(re))
	for i := range re {
		out[i] = complex(float64(re[i]), 0)
		if im != nil {
			out[i] = complex(float64(re[i]), float64(im[i]))
		}
	}
	return out
}

func narrow(x []complex128) (re, im []float32) {
	for _, v := range x {
		re, im = append(re, float32(real(v))), append(im, float32(imag(v)))
	}
	return re, im
}

// addConv adds a convolution with what it should give.
func (f tensors) addConv(rng *rand.Rand, name string, batch, channels, length, width int, bias, silu bool) {
	x := f.put(rng, name+".x", -1, 1, batch, channels, length)
	w := f.put(rng, name+".weight", -1, 1, channels, width)
	var b []float32
	if bias {
		b = f.put(rng, name+".bias", -1, 1, channels)
	}
	f.flag(name+".silu", silu)
	y := make([]float32, len(x))
	for i := range y { // (B, D, L)
		t, e := i%length, i/length%channels
		sum := 0.0
		if bias {
			sum = float64(b[e])
		}
		for k := range width {
			if back := width - 1 - k; back <= t {
				sum += float64(w[e*width+k]) * float64(x[i-back])
			}
		}
		if silu {
			sum /= 1 + math.Exp(-sum)
		}
		y[i] = float32(sum)
	}
	f[name+".y"] = tensor{shape: []int{batch, channels, length}, values: y}
}

// mixed is one case of each kind, all optional tensors there.
func mixed() tensors {
	rng := rand.New(rand.NewPCG(1, 2))
	f := tensors{}
	f.addScan(rng, "scan.a", scanSpec{batch: 2, channels: 3, length: 5, states: 4, softplus: true, d: true, z: true, bias: true, h0: true})
	f.addScan(rng, "scan.b", scanSpec{batch: 2, channels: 3, length: 5, states: 4, complex: true, softplus: true, d: true, z: true, bias: true, h0: true})
	f.addConv(rng, "conv.0", 2, 3, 5, 4, true, true)
	return f
}
