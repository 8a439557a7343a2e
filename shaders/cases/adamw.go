package cases

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func adamWCases() []Case {
	var list []Case
	for _, n := range []int{1, 3, 4, 255, 256, 257, 1024, 1028, 4097} {
		p := shaders.AdamWParams{Count: n, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}
		list = append(list, adamWCase(fmt.Sprintf("%d elements", n), p, 7, 1))
	}
	part := shaders.AdamWParams{First: 8, Count: 100, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.3}
	odd := part
	odd.First = 5
	still := shaders.AdamWParams{Count: 100, Beta2: 0.95, Eps: 1e-8}
	return append(list,
		adamWCase("a part of longer arrays", part, 100, 0.01),
		adamWCase("an odd part of longer arrays", odd, 100, 0.01),
		adamWCase("the first update", part, 1, 1),
		adamWCase("no momentum and no decay", still, 2, 1),
		adamWCase("gradients that are not finite", part, 3, 0),
	)
}

// adamWCase is update number t of parameters of order 1 with a rate of 0.1, so that what
// is rounded is what counts: a few units in the last place.
func adamWCase(name string, p shaders.AdamWParams, t int, scale float32) Case {
	return Case{Name: name, Params: p, Tol: Tolerance{Rel: 1e-6}, fill: func(s *source) []Arg {
		moment := func(beta float64) float32 { return float32(1 / (1 - math.Pow(beta, float64(t)))) }
		control := poison(shaders.ControlWords)
		copy(control, []float32{0.1, moment(p.Beta1), moment(p.Beta2), scale})
		gradient, m, v := s.normal(p.Count), s.normal(p.Count), s.uniform(p.Count, 0, 1)
		if t == 1 {
			clear(m)
			clear(v)
		}
		if scale == 0 {
			gradient = poison(p.Count)
		}
		part := func(x []float32, outside float32) []float32 {
			return append(append(repeat(p.First, outside), x...), outside)
		}
		return []Arg{
			in("gradient", part(gradient, poison(1)[0])), in("control", control), out("parameter", part(s.normal(p.Count), Untouched)),
			out("m", part(m, Untouched)), out("v", part(v, Untouched)),
		}
	}}
}
