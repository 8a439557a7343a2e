package cases

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sample is a case with one output of each kind and an input.
func sample() (c Case, want []Arg) {
	c = Case{Kernel: "k", Name: "n", Params: 3, Tol: Tolerance{Abs: 0.001, Rel: 0.01}}
	return c, []Arg{
		in("x", []float32{1}),
		out("y", []float32{1, -10, Untouched, 0.5}), // 0.101 allowed
		{Name: "ids", U32: []uint32{4, 5}, Out: true},
	}
}

// changed is the sample's args with y[i] = v.
func changed(i int, v float32) []Arg {
	_, got := sample()
	got[1].F32[i] = v
	return got
}

func TestCompareAccepts(t *testing.T) {
	c, want := sample()
	assert.NoError(t, Compare(c, want, want))
	assert.NoError(t, Compare(c, changed(0, 1.1), want))
	assert.NoError(t, Compare(c, changed(3, 0.4), want))
	got := changed(0, 1)
	got[0].F32[0] = 7 // an input is not compared
	assert.NoError(t, Compare(c, got, want))
}

func TestCompareRejects(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, got := range map[string][]Arg{
		"too large":            changed(0, 1.102),
		"too small":            changed(3, 0.398),
		"wrong sign":           changed(1, 10),
		"NaN":                  changed(0, nan),
		"infinite":             changed(1, -inf),
		"untouched, barely":    changed(2, math.Nextafter32(Untouched, 0)),
		"untouched, NaN":       changed(2, nan),
		"Untouched where none": changed(0, Untouched),
	} {
		c, want := sample()
		err := Compare(c, got, want)
		e, ok := errors.AsType[*MismatchError](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Equal(t, "y", e.Arg, name)
		assert.Equal(t, 1, e.Wrong, name)
	}
}

// TestCompareNaN checks that NaN passes nowhere, even where the twin has it.
func TestCompareNaN(t *testing.T) {
	c, _ := sample()
	both := changed(0, float32(math.NaN()))
	assert.Error(t, Compare(c, both, both))
	c.Tol = Tolerance{Abs: math.Inf(1)}
	assert.Error(t, Compare(c, both, both))
}

// TestUntouchedDoesNotLoosen checks that the large number Untouched is no part
// of the largest value, which a relative tolerance is taken of.
func TestUntouchedDoesNotLoosen(t *testing.T) {
	c, want := sample()
	c.Tol = Tolerance{Rel: 1e-3} // 0.01 of -10, 54 of Untouched
	assert.NoError(t, Compare(c, changed(0, 1.009), want))
	assert.Error(t, Compare(c, changed(0, 1.011), want))
}

func TestCompareIntegers(t *testing.T) {
	c, want := sample()
	c.Tol = Tolerance{Abs: 100}
	_, got := sample()
	got[2].U32[1] = 6
	e, ok := errors.AsType[*MismatchError](Compare(c, got, want))
	require.True(t, ok)
	assert.Equal(t, "ids", e.Arg)
	assert.Equal(t, 1, e.Index)
	assert.Equal(t, 6.0, e.Got)
	assert.Equal(t, 5.0, e.Want)
}

func TestMismatchTellsAll(t *testing.T) {
	c, want := sample()
	got := changed(3, 1.5)
	got[1].F32[1] = -12
	e, ok := errors.AsType[*MismatchError](Compare(c, got, want))
	require.True(t, ok)
	assert.Equal(t, &MismatchError{
		Kernel: "k", Case: "n", Arg: "y", Params: 3, Index: 1, Got: -12, Want: -10,
		Wrong: 2, Count: 4, Worst: Worst{Abs: 2, Rel: 0.2}, Tol: c.Tol,
	}, e)
	assert.EqualError(t, e, "cases: k/n: y[1] = -12, want -10 "+
		"(2 of 4 wrong, largest error 2, relative 0.2, allowed 0.001 + 0.01 of the largest) 3")
}

func TestCompareShapes(t *testing.T) {
	c, want := sample()
	e, ok := errors.AsType[*ShapeError](Compare(c, want[:2], want))
	require.True(t, ok)
	assert.EqualError(t, e, "cases: k/n: 2 buffers, want 3")

	_, got := sample()
	got[1].F32 = got[1].F32[:3]
	e, ok = errors.AsType[*ShapeError](Compare(c, got, want))
	require.True(t, ok)
	assert.EqualError(t, e, "cases: k/n: y has 3 elements, want 4")
}

func TestWorst(t *testing.T) {
	_, want := sample()
	assert.Equal(t, Worst{}, WorstOfAll(want, want))
	assert.Equal(t, Worst{Abs: 2, Rel: 0.2}, WorstOf(changed(1, -8)[1], want[1]))
	assert.Equal(t, math.Inf(1), WorstOf(changed(1, float32(math.NaN()))[1], want[1]).Abs)
	_, got := sample()
	got[2].U32[0]++
	assert.Equal(t, math.Inf(1), WorstOfAll(got, want).Abs)
}

func TestRoundF16(t *testing.T) {
	for _, v := range []float32{0, 1, -1, 65504, 0x1p-14, 0x1p-24, 3 * 0x1p-24, 1.0009765625} {
		assert.Equal(t, v, roundF16(v))
	}
	assert.Equal(t, float32(1), roundF16(1.0009))
	assert.Equal(t, float32(65504), roundF16(70000))
	assert.Equal(t, float32(-65504), roundF16(-1e30))
	assert.Equal(t, float32(0), roundF16(0x1p-25))
	assert.Equal(t, float32(2*0x1p-24), roundF16(2.9*0x1p-24))
}
