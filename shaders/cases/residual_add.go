package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// A sum of two floats is rounded once, and correctly, by every implementation.
func residualAddCases() []Case {
	var list []Case
	for _, n := range []int{1, 3, 64, 255, 256, 257, 1024, 100003} {
		list = append(list, Case{
			Name:   fmt.Sprintf("%d elements", n),
			Params: shaders.ResidualAddParams{Count: n},
			fill: func(s *source) []Arg {
				return []Arg{out("r", s.normal(n)), in("x", s.normal(n))}
			},
		})
	}
	return list
}
