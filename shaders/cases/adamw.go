package cases

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func adamWCases() []Case {
	var list []Case
	usual := shaders.AdamWParams{Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}
	const length = shaders.RunLength
	for _, n := range []int{1, 3, 4, 255, 256, 257, 1024, 1028, 4097, length, length + 1, 3*length + 4} {
		list = append(list, adamWCase(fmt.Sprintf("%d elements", n), usual, []shaders.Run{{Count: n, Decays: true}}, 7, 1))
	}
	part := shaders.AdamWParams{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 0.3}
	still := shaders.AdamWParams{Beta2: 0.95, Eps: 1e-8}
	runs := []shaders.Run{{First: 8, Count: 100, Decays: true}}
	var many []shaders.Run
	for i := range 2100 { // more workgroups than an axis has
		many = append(many, shaders.Run{First: 3 * i, Count: 2, Decays: i%3 == 0})
	}
	return append(list,
		adamWCase("a part of longer arrays", part, runs, 100, 0.01),
		adamWCase("an odd part of longer arrays", part, []shaders.Run{{First: 5, Count: 100, Decays: true}}, 100, 0.01),
		adamWCase("several tensors, gaps between them", part, severalTensors(), 100, 0.01),
		adamWCase("several aligned tensors, some decay", part, []shaders.Run{
			{First: 4, Count: 8, Decays: true}, {First: 12, Count: length + 4}, {First: 8400, Count: 256, Decays: true},
		}, 100, 0.01),
		adamWCase("many runs", usual, many, 3, 1),
		adamWCase("the first update", part, runs, 1, 1),
		adamWCase("no momentum and no decay", still, runs, 2, 1),
		adamWCase("gradients that are not finite", part, runs, 3, 0),
	)
}

// adamWCase is update number t of parameters of order 1 with a rate of 0.1, so that what
// is rounded is what counts: a few units in the last place.
func adamWCase(name string, p shaders.AdamWParams, tensors []shaders.Run, t int, scale float32) Case {
	runs := shaders.CutRuns(tensors)
	p.Runs, p.Elements, p.Aligned = len(runs), elementsOf(runs), shaders.AlignedRuns(runs)
	return Case{Name: name, Params: p, Tol: Tolerance{Rel: 1e-6}, fill: func(s *source) []Arg {
		moment := func(beta float64) float32 { return float32(1 / (1 - math.Pow(beta, float64(t)))) }
		control := poison(shaders.ControlWords)
		copy(control, []float32{0.1, moment(p.Beta1), moment(p.Beta2), scale})
		gradient := poison(p.Elements)
		parameter, m, v := repeat(p.Elements, Untouched), repeat(p.Elements, Untouched), repeat(p.Elements, Untouched)
		for _, r := range runs {
			if scale != 0 {
				copy(gradient[r.First:], s.normal(r.Count))
			}
			copy(parameter[r.First:], s.normal(r.Count))
			copy(m[r.First:], s.normal(r.Count))
			copy(v[r.First:], s.uniform(r.Count, 0, 1))
			if t == 1 {
				clear(m[r.First : r.First+r.Count])
				clear(v[r.First : r.First+r.Count])
			}
		}
		return []Arg{
			ints("runs", shaders.RunWords(runs)), in("gradient", gradient), in("control", control), out("parameter", parameter),
			out("m", m), out("v", v),
		}
	}}
}
