package opsfile

import (
	"math"
	"slices"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
)

// reader reads tensors; the first error stays in err, and what was asked for
// has its length all the same.
type reader struct{ err error }

// floats reads each part.
func (r *reader) floats(p parts) [][]float32 {
	var out [][]float32
	for _, t := range p {
		v, err := t.Float32(nil)
		if err != nil {
			v = make([]float32, t.Elements())
			if r.err == nil {
				r.err = err
			}
		}
		out = append(out, v)
	}
	return out
}

// outputs pairs what was computed of a tensor with what the file has: an output for
// each part, none if the file has none.
func (r *reader) outputs(tensor string, want parts, got [][]float32) []Output {
	values := r.floats(want)
	names := []string{tensor}
	if len(want) > 1 {
		names = []string{tensor + ".re", tensor + ".im"}
	}
	var list []Output
	for i, t := range want {
		list = append(list, Output{Tensor: names[i], Shape: t.Shape, Got: got[i], Want: values[i], Scale: largest(values)})
	}
	return list
}

// swapped reads each part, (..., rows, cols), and swaps its last two axes.
func (r *reader) swapped(p parts, rows, cols int) [][]float32 {
	out := r.floats(p)
	for i := range out {
		out[i] = swapAxes(out[i], rows, cols)
	}
	return out
}

// some is no part if there is no tensor.
func some(t *checkpoint.Tensor) parts {
	if t == nil {
		return nil
	}
	return parts{t}
}

// one is the only part, or nothing.
func one(p [][]float32) []float32 {
	if len(p) == 0 {
		return nil
	}
	return p[0]
}

// swapAxes turns (..., rows, cols) into (..., cols, rows).
func swapAxes(x []float32, rows, cols int) []float32 {
	out := make([]float32, len(x))
	for first := 0; first < len(x); first += rows * cols {
		for r := range rows {
			for c := range cols {
				out[first+c*rows+r] = x[first+r*cols+c]
			}
		}
	}
	return out
}

// interleave puts the parts of each element side by side. One part is returned
// as it is.
func interleave(p [][]float32) []float32 {
	if len(p) < 2 {
		return one(p)
	}
	out := make([]float32, 0, len(p)*len(p[0]))
	for i := range p[0] {
		for _, part := range p {
			out = append(out, part[i])
		}
	}
	return out
}

// deinterleave undoes interleave of n parts.
func deinterleave(x []float32, n int) [][]float32 {
	out := make([][]float32, n)
	for i, v := range x {
		out[i%n] = append(out[i%n], v)
	}
	return out
}

// nans is n elements that nobody wrote.
func nans(n int) []float32 { return slices.Repeat([]float32{float32(math.NaN())}, n) }

// firstSlots gives batch row b the slot b.
func firstSlots(batch int) []uint32 {
	slots := make([]uint32, batch)
	for b := range slots {
		slots[b] = uint32(b)
	}
	return slots
}

// largest is the largest finite absolute value of all parts.
func largest(p [][]float32) float64 {
	var m float64
	for _, part := range p {
		for _, v := range part {
			if abs := math.Abs(float64(v)); abs <= math.MaxFloat32 {
				m = max(m, abs)
			}
		}
	}
	return m
}
