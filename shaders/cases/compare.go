package cases

import (
	"fmt"
	"math"
)

// MismatchError says that a kernel's output is not the twin's.
type MismatchError struct {
	Kernel, Case, Arg string
	Params            any
	Index             int     // of the first wrong element
	Got, Want         float64 // that element; integers as they are
	Wrong, Count      int     // how many of all elements are wrong
	Worst             Worst
	Tol               Tolerance
}

// Error tells the case, its shape, the first wrong element and the largest
// errors.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("cases: %s/%s: %s[%d] = %v, want %v (%d of %d wrong, largest error %.3g, relative %.3g, allowed %.3g + %.3g of the largest) %+v",
		e.Kernel, e.Case, e.Arg, e.Index, e.Got, e.Want, e.Wrong, e.Count, e.Worst.Abs, e.Worst.Rel, e.Tol.Abs, e.Tol.Rel, e.Params)
}

// ShapeError says that two lists of buffers cannot be compared.
type ShapeError struct {
	Kernel, Case, Arg string // Arg is empty if the numbers of buffers differ
	Got, Want         int    // elements, or buffers
}

// Error tells the case, the buffer and both sizes.
func (e *ShapeError) Error() string {
	if e.Arg == "" {
		return fmt.Sprintf("cases: %s/%s: %d buffers, want %d", e.Kernel, e.Case, e.Got, e.Want)
	}
	return fmt.Sprintf("cases: %s/%s: %s has %d elements, want %d", e.Kernel, e.Case, e.Arg, e.Got, e.Want)
}

// Compare checks the outputs among got against those among want, which the
// twin computed. Floats may differ by the case's tolerance and NaN is always
// wrong; Untouched elements must be equal, and integers but for their Slack. The error is a
// *MismatchError or a *ShapeError about the first bad buffer.
func Compare(c Case, got, want []Arg) error {
	if len(got) != len(want) {
		return &ShapeError{c.Kernel, c.Name, "", len(got), len(want)}
	}
	for i, w := range want {
		if !w.Out {
			continue
		}
		if len(got[i].F32) != len(w.F32) || len(got[i].U32) != len(w.U32) {
			return &ShapeError{c.Kernel, c.Name, w.Name, got[i].Len(), w.Len()}
		}
		if err := compareArg(c, got[i], w); err != nil {
			return err
		}
	}
	return nil
}

// compareArg compares two buffers of the same length.
func compareArg(c Case, got, want Arg) error {
	e := &MismatchError{
		Kernel: c.Kernel, Case: c.Name, Arg: want.Name, Params: c.Params,
		Count: want.Len(), Worst: WorstOf(got, want), Tol: c.Tol,
	}
	allowed := c.Tol.Abs + c.Tol.Rel*largest(want.F32)
	for i, w := range want.F32 {
		if !near(got.F32[i], w, allowed) {
			e.note(i, float64(got.F32[i]), float64(w))
		}
	}
	for i, w := range want.U32 {
		if apart(got.U32[i], w) > want.Slack {
			e.note(i, float64(got.U32[i]), float64(w))
		}
	}
	if e.Wrong == 0 {
		return nil
	}
	return e
}

func apart(a, b uint32) uint32 { return max(a, b) - min(a, b) }

// note counts a wrong element and remembers the first.
func (e *MismatchError) note(i int, got, want float64) {
	if e.Wrong == 0 {
		e.Index, e.Got, e.Want = i, got, want
	}
	e.Wrong++
}

// near says whether got is want up to the allowed error. The comparison is
// false for NaN on either side.
func near(got, want float32, allowed float64) bool {
	if want == Untouched {
		return got == want
	}
	return math.Abs(float64(got)-float64(want)) <= allowed
}

// Worst is the largest error of an output.
type Worst struct {
	Abs float64 // max|got - want|, infinite if there is a NaN
	Rel float64 // Abs / max|want|, 0 if Abs is 0
}

// WorstOf is the largest error of got, without judging it. Both have the same
// length; integers have no error, up to their Slack, or an infinite one.
func WorstOf(got, want Arg) Worst {
	var w Worst
	for i := range want.F32 {
		d := math.Abs(float64(got.F32[i]) - float64(want.F32[i]))
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		w.Abs = max(w.Abs, d)
	}
	for i := range want.U32 {
		if apart(got.U32[i], want.U32[i]) > want.Slack {
			w.Abs = math.Inf(1)
		}
	}
	if w.Abs > 0 {
		w.Rel = w.Abs / largest(want.F32)
	}
	return w
}

// WorstOfAll is the largest errors over all outputs of a case, absolute and
// relative each for itself.
func WorstOfAll(got, want []Arg) Worst {
	var all Worst
	for i, w := range want {
		if w.Out {
			one := WorstOf(got[i], w)
			all.Abs, all.Rel = max(all.Abs, one.Abs), max(all.Rel, one.Rel)
		}
	}
	return all
}

// largest is the largest absolute value of x, Untouched and NaN not counted.
func largest(x []float32) float64 {
	var m float64
	for _, v := range x {
		if v == v && v != Untouched {
			m = max(m, math.Abs(float64(v)))
		}
	}
	return m
}
