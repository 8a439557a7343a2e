package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func squareSumsCases() []Case {
	var list []Case
	const length = shaders.RunLength
	for _, n := range []int{1, 3, 255, 256, 257, 2047, 2049, length - 1, length, length + 1, 3*length + 5, 20 * length} {
		list = append(list, squareSumsCase(fmt.Sprintf("%d elements", n), 0, []shaders.Run{{Count: n}}))
	}
	var many []shaders.Run
	for i := range 66000 { // more than workgroups along an axis
		many = append(many, shaders.Run{First: 2 * i, Count: 1})
	}
	return append(list,
		squareSumsCase("a run that begins and ends within", 3, []shaders.Run{{First: 7, Count: length + 100}}),
		squareSumsCase("several tensors, gaps between them", 5, severalTensors()),
		squareSumsCase("many runs", 0, many),
	)
}

// severalTensors are of many sizes, some of which decay.
func severalTensors() []shaders.Run {
	return []shaders.Run{
		{First: 3, Count: 1, Decays: true}, {First: 4, Count: 700}, {First: 704, Count: shaders.RunLength + 7, Decays: true},
		{First: 9000, Count: 3}, {First: 9003, Count: 256},
	}
}

// elementsOf is the size of an array with an element past the last run.
func elementsOf(runs []shaders.Run) int {
	last := runs[len(runs)-1]
	return last.First + last.Count + 1
}

// squareSumsCase adds up 8192 positive terms, 32 one after the other and then in pairs: a
// few units in the last place.
func squareSumsCase(name string, offOut int, tensors []shaders.Run) Case {
	runs := shaders.CutRuns(tensors)
	p := shaders.SquareSumsParams{Runs: len(runs), Elements: elementsOf(runs), OffOut: offOut}
	return Case{Name: name, Params: p, Tol: Tolerance{Rel: 1e-6}, fill: func(s *source) []Arg {
		x := poison(p.Elements)
		for _, r := range runs {
			copy(x[r.First:], s.normal(r.Count))
		}
		parts := append(repeat(p.OffOut, Untouched), poison(p.Runs)...)
		return []Arg{ints("runs", shaders.RunWords(runs)), in("x", x), out("parts", append(parts, Untouched))}
	}}
}
