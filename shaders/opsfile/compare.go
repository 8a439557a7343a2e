package opsfile

import (
	"fmt"
	"math"
	"strings"

	"github.com/mambagpu/mambagpu/shaders/cases"
)

// Tolerance is how far an output may lie from the file's:
//
//	|got - want| <= Abs + Rel * max|want|
//
// where the maximum is over the whole output, both parts of a complex one. The
// absolute term lets an output pass that should be zero everywhere and is
// nearly so.
var Tolerance = cases.Tolerance{Abs: 1e-8, Rel: 1e-4}

// Output is one tensor that a case computes, in the layout of the file.
type Output struct {
	Tensor    string // without the case's prefix, such as "last_state.re"
	Kernel    string // that computed it
	Shape     []int
	Got, Want []float32
	Scale     float64 // the largest |want|, over both parts of a complex output
}

// Comparison is the verdict on an output.
type Comparison struct {
	Pass  bool
	Worst cases.Worst // infinite where there is a NaN
	Wrong int         // elements beyond the tolerance
	Count int         // of all elements
	Index []int       // of the first wrong element; nil if there is none
	Got   float32     // that element
	Want  float32
}

// Compare holds the output against Tolerance. NaN and infinity are always
// wrong, also where the file has them.
func (o Output) Compare() Comparison {
	c := Comparison{Count: len(o.Want)}
	allowed := Tolerance.Abs + Tolerance.Rel*o.Scale
	for i, want := range o.Want {
		diff := math.Abs(float64(o.Got[i]) - float64(want))
		if math.IsNaN(diff) {
			diff = math.Inf(1)
		}
		c.Worst.Abs = max(c.Worst.Abs, diff)
		if diff <= allowed && !math.IsInf(diff, 0) {
			continue
		}
		if c.Wrong == 0 {
			c.Index, c.Got, c.Want = position(i, o.Shape), o.Got[i], want
		}
		c.Wrong++
	}
	if c.Worst.Abs > 0 {
		c.Worst.Rel = c.Worst.Abs / o.Scale
		if math.IsNaN(c.Worst.Rel) {
			c.Worst.Rel = math.Inf(1)
		}
	}
	c.Pass = c.Wrong == 0
	return c
}

// String tells the first wrong element, such as "[0, 2, 11] is 3, want 0.25; 1
// of 4290 elements are wrong", or nothing if there is none.
func (c Comparison) String() string {
	if c.Wrong == 0 {
		return ""
	}
	index := strings.ReplaceAll(fmt.Sprint(c.Index), " ", ", ")
	return fmt.Sprintf("%s is %v, want %v; %d of %d elements are wrong", index, c.Got, c.Want, c.Wrong, c.Count)
}

// position is the index along each axis of the element with row-major number i.
func position(i int, shape []int) []int {
	index := make([]int, len(shape))
	for axis := len(shape) - 1; axis >= 0; axis-- {
		index[axis] = i % shape[axis]
		i /= shape[axis]
	}
	return index
}
