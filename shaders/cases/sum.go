package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// sumCases adds up positive terms of order 1, up to 128 one after the other and then
// in pairs.
func sumCases() []Case {
	var list []Case
	for _, p := range []shaders.SumParams{
		{Count: 1}, {Count: 3}, {Count: 255}, {Count: 256}, {Count: 257}, {Count: 2047}, {Count: 2049}, {Count: 32768},
		{First: 5, Count: 100, OffOut: 3},
	} {
		list = append(list, Case{
			Name: fmt.Sprintf("%d elements from %d", p.Count, p.First), Params: p, Tol: Tolerance{Rel: 1e-6},
			fill: func(s *source) []Arg {
				x := append(poison(p.First), s.uniform(p.Count, 0, 2)...)
				return []Arg{in("x", x), out("out", append(append(repeat(p.OffOut, Untouched), poison(1)...), Untouched))}
			},
		})
	}
	return list
}
