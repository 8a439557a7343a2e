package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func columnSumsCases() []Case {
	var list []Case
	add := func(name string, p shaders.ColumnSumsParams) {
		list = append(list, columnSumsCase(fmt.Sprintf("%d rows of %d%s", p.Rows, p.Columns, name), p))
	}
	dense := func(rows, columns int) {
		add("", shaders.ColumnSumsParams{Rows: rows, Columns: columns, Stride: columns})
	}
	for _, columns := range []int{1, 3, 16, 63, 64, 65, 200} {
		for _, rows := range []int{1, 2, 5, 17} {
			dense(rows, columns)
		}
	}
	for _, rows := range []int{63, 64, 127, 128, 129, 1000} { // one group, two, and uneven ones
		dense(rows, 64)
		dense(rows, 130)
	}
	dense(10000, 1)
	dense(2048, 512)
	dense(3000, 48)
	for _, rows := range []int{7, 300} {
		add(" among others, into a longer array", shaders.ColumnSumsParams{Rows: rows, Columns: 33, Stride: 48, Offset: 101, OffOut: 7})
	}
	return list
}

// columnSumsCase has x of order 1, so that a sum is of order rows^1/2. Float32 sums of
// 16 to a few hundred terms one after the other, then of as many of these, are off by
// some units in the last place of that: at most 2^-24 times 16, of the largest.
func columnSumsCase(name string, p shaders.ColumnSumsParams) Case {
	tol := Tolerance{Abs: 0x1p-20 * sqrt(p.Rows), Rel: 1e-6}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		x := s.normal((p.Rows-1)*p.Stride + p.Offset + p.Columns)
		for i := range x {
			if n := i - p.Offset; n < 0 || n%p.Stride >= p.Columns {
				x[i] = poison(1)[0]
			}
		}
		sums := append(repeat(p.OffOut, Untouched), s.normal(p.Columns)...)
		return []Arg{in("x", x), out("sums", append(sums, Untouched))}
	}}
}
