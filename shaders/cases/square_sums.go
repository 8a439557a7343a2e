package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func squareSumsCases() []Case {
	var list []Case
	add := func(p shaders.SquareSumsParams) {
		list = append(list, squareSumsCase(fmt.Sprintf("%d elements from %d", p.Count, p.First), p))
	}
	const part = shaders.SquareSumsPart
	for _, n := range []int{1, 3, 255, 256, 257, 2047, 2049, part - 1, part, part + 1, 3*part + 5, 20 * part} {
		add(shaders.SquareSumsParams{Count: n})
	}
	add(shaders.SquareSumsParams{First: 7, Count: part + 100, OffOut: 3})
	return list
}

// squareSumsCase adds up 8192 positive terms, 32 one after the other and then in pairs: a
// few units in the last place.
func squareSumsCase(name string, p shaders.SquareSumsParams) Case {
	return Case{Name: name, Params: p, Tol: Tolerance{Rel: 1e-6}, fill: func(s *source) []Arg {
		x := append(poison(p.First), s.normal(p.Count)...)
		parts := append(repeat(p.OffOut, Untouched), poison(p.Parts())...)
		return []Arg{in("x", x), out("parts", append(parts, Untouched))}
	}}
}
