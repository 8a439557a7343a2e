package cases

import (
	"math"
	"math/rand/v2"

	"github.com/mambagpu/mambagpu/shaders"
)

// Untouched fills the elements of an output that the kernel must leave as they
// are. Compare wants it back exactly and leaves it out of the largest value.
const Untouched float32 = -54321.125

// source makes the data of one case.
type source struct {
	*rand.Rand
}

// uniform is n numbers evenly spread over [lo, hi).
func (s *source) uniform(n int, lo, hi float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(lo + (hi-lo)*s.Float64())
	}
	return x
}

// logUniform is n numbers whose logarithms are evenly spread; 0 < lo <= hi.
func (s *source) logUniform(n int, lo, hi float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(lo * math.Pow(hi/lo, s.Float64()))
	}
	return x
}

// normal is n numbers of mean 0 and standard deviation 1.
func (s *source) normal(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(s.NormFloat64())
	}
	return x
}

// weights is a weight matrix of the given storage type. Its elements have the
// standard deviation sigma.
func (s *source) weights(name string, rows, cols int, t shaders.DType, sigma float64) Arg {
	w := s.normal(rows * cols)
	for i := range w {
		w[i] = round(t, w[i]*float32(sigma))
	}
	a := Arg{Name: name, F32: w, Weights: true, Type: t, Rows: rows, Cols: cols}
	if t.Quantized() {
		a.Image = shaders.Quantize(t, w, cols)
		a.F32 = shaders.Dequantize(t, a.Image, rows, cols)
	}
	return a
}

// slots places each batch row in a slot of its own, out of order and with
// unused slots before, between and after. It is the slots and their number.
func (s *source) slots(batch int) (slots []uint32, count int) {
	count = 2*batch + 1
	for _, i := range s.Perm(batch) {
		slots = append(slots, uint32(2*i+1))
	}
	return slots, count
}

// state is a state array of count slots with size elements each: Untouched in
// unused slots, NaN in used ones if they must not be read, and otherwise normal.
func (s *source) state(slots []uint32, count, size int, fresh bool) Arg {
	state := repeat(count*size, Untouched)
	for _, slot := range slots {
		part := state[int(slot)*size:][:size]
		if fresh {
			copy(part, poison(size))
		} else {
			copy(part, s.normal(size))
		}
	}
	return Arg{Name: "state", F32: state, Out: true}
}

// in and out make the usual arguments.
func in(name string, x []float32) Arg  { return Arg{Name: name, F32: x} }
func ints(name string, x []uint32) Arg { return Arg{Name: name, U32: x} }
func out(name string, x []float32) Arg { return Arg{Name: name, F32: x, Out: true} }

// poison is n times NaN.
func poison(n int) []float32 {
	return repeat(n, float32(math.NaN()))
}

// repeat is n times v.
func repeat(n int, v float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = v
	}
	return x
}

// place spreads the dense rows x (rows, width) over rows of stride elements,
// starting at offset, in the array into.
func place(into, x []float32, width, stride, offset int) []float32 {
	for row := range len(x) / width {
		copy(into[row*stride+offset:], x[row*width:(row+1)*width])
	}
	return into
}

// strided is the dense rows x (rows, width) spread over rows of stride elements
// with NaN in the gaps and before the offset.
func strided(x []float32, width, stride, offset int) []float32 {
	return place(poison(extent(len(x)/width, width, stride, offset)), x, width, stride, offset)
}

// extent is the number of elements of an array that rows lie in, to the end of the
// last row at least.
func extent(rows, width, stride, offset int) int {
	return (rows-1)*stride + max(stride, offset+width)
}
