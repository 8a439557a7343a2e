package cases

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

var (
	nan    = float32(math.NaN())
	negInf = float32(math.Inf(-1))
	posInf = float32(math.Inf(1))
)

func argmaxCases() []Case {
	var list []Case
	for _, width := range []int{1, 2, 3, 64, 255, 256, 257, 4096, 50280} {
		list = append(list, argmaxCase(fmt.Sprintf("width %d", width), 3, width, width, nil))
	}
	for _, width := range []int{2, 257, 1000} {
		list = append(list, argmaxRows(width)...)
	}
	return append(list,
		argmaxCase("width 50277 of 50280, largest in the padding", 2, 50277, 50280, nil),
		argmaxCase("width 5 of 9, largest in the padding", 7, 5, 9, nil),
		argmaxCase("largest in each place", 300, 300, 300, func(row int, x []float32) { x[row] = 10 }),
		argmaxCase("ties of the largest", 50, 300, 300, func(row int, x []float32) {
			for i := row; i < len(x); i += 1 + row {
				x[i] = 10
			}
		}),
		argmaxCase("all values negative", 3, 300, 300, func(_ int, x []float32) {
			for i := range x {
				x[i] -= 1000
			}
		}),
		argmaxCase("zeros of both signs", 2, 4, 4, func(row int, x []float32) {
			negZero := float32(math.Copysign(0, -1))
			copy(x, [][]float32{{-1, negZero, 0, -2}, {-1, 0, negZero, -2}}[row])
		}),
	)
}

// argmaxRows is rows of special values.
func argmaxRows(width int) []Case {
	row := func(name string, edit func(row int, x []float32)) Case {
		return argmaxCase(fmt.Sprintf("%s, width %d", name, width), 2, width, width, edit)
	}
	all := func(v float32) func(int, []float32) {
		return func(_ int, x []float32) { copy(x, repeat(len(x), v)) }
	}
	lastIs := func(fill, last float32) func(int, []float32) {
		return func(_ int, x []float32) {
			copy(x, repeat(len(x), fill))
			x[len(x)-1] = last
		}
	}
	return []Case{
		row("all equal", all(1.5)),
		row("all NaN", all(nan)),
		row("all -Inf", all(negInf)),
		row("all +Inf", all(posInf)),
		row("every second NaN", func(_ int, x []float32) {
			for i := 0; i < len(x); i += 2 {
				x[i] = nan
			}
		}),
		row("NaN but for -Inf at the end", lastIs(nan, negInf)),
		row("-Inf but for a number at the end", lastIs(negInf, -3e38)),
		row("+Inf at the end", func(_ int, x []float32) { x[len(x)-1] = posInf }),
	}
}

// argmaxCase has normal values, changed by edit unless that is nil, and larger
// ones between Width and Stride.
func argmaxCase(name string, rows, width, stride int, edit func(row int, x []float32)) Case {
	p := shaders.ArgmaxParams{Rows: rows, Width: width, Stride: stride}
	return Case{Name: name, Params: p, fill: func(s *source) []Arg {
		x := repeat(rows*stride, 1e6)
		for t := range rows {
			row := x[t*stride:][:width]
			copy(row, s.normal(width))
			if edit != nil {
				edit(t, row)
			}
		}
		ids := make([]uint32, rows)
		for i := range ids {
			ids[i] = math.MaxUint32
		}
		return []Arg{in("x", x), {Name: "ids", U32: ids, Out: true}}
	}}
}
