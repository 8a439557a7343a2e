package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

// logDecaysSizes is channels, states and the other elements.
var logDecaysSizes = [][3]int{{1, 1, 0}, {1, 1, 1}, {5, 16, 10}, {16, 16, 0}, {16, 16, 1}, {512, 16, 1024}, {3, 100, 6}}

// logDecaysCases has A of -1/1000 to -100. WGSL's exp of x may be off by 3 + 2|x| units in
// the last place.
func logDecaysCases() []Case {
	var list []Case
	for _, size := range logDecaysSizes {
		p := shaders.LogDecaysParams{Channels: size[0], States: size[1], Rest: size[2]}
		list = append(list, Case{
			Name: fmt.Sprint(size), Params: p, Tol: Tolerance{Rel: 1e-6},
			fill: func(s *source) []Arg {
				log := append(s.uniform(p.Channels*p.States, -7, 4.6), s.normal(p.Rest)...)
				return []Arg{in("log", log), out("out", append(poison(p.Words()), Untouched))}
			},
		})
	}
	return list
}

// logDecaysBackwardCases has one product and one sum an element.
func logDecaysBackwardCases() []Case {
	var list []Case
	for _, size := range logDecaysSizes {
		p := shaders.LogDecaysParams{Channels: size[0], States: size[1], Rest: size[2]}
		list = append(list, Case{
			Name: fmt.Sprint(size), Params: p, Tol: Tolerance{Rel: 3e-7},
			fill: func(s *source) []Arg {
				n := p.Words()
				return []Arg{in("weights", s.normal(n)), in("dweights", s.normal(n)), out("dlog", append(s.normal(n), Untouched))}
			},
		})
	}
	return list
}
