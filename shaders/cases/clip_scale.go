package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func clipScaleCases() []Case {
	var list []Case
	for _, n := range []int{1, 2, 255, 256, 257, 700, 5000} {
		for _, most := range []float32{0, 0.5, 1e6} {
			p := shaders.ClipScaleParams{Parts: n, MaxNorm: most}
			list = append(list, clipScaleCase(fmt.Sprintf("%d parts, at most %v", n, most), p, 1))
		}
	}
	return append(list,
		clipScaleCase("zeros", shaders.ClipScaleParams{Parts: 3, MaxNorm: 1}, 0),
		clipScaleCase("parts of 1e-14, near 1e-6", shaders.ClipScaleParams{Parts: 3, MaxNorm: 1e-7}, 1e-14),
	)
}

// clipScaleCase adds up thousands of positive terms at most, whose root halves the
// error, and WGSL allows a root and a quotient 2.5 units in the last place more. The
// words of control differ in size, so the scale of a large norm is not looked at closely
// by its case with many parts, but by the others.
func clipScaleCase(name string, p shaders.ClipScaleParams, size float64) Case {
	return Case{Name: name, Params: p, Tol: Tolerance{Rel: 1e-6}, fill: func(s *source) []Arg {
		parts := s.uniform(p.Parts, 0, size)
		control := repeat(shaders.ControlWords, Untouched)
		control[shaders.ControlScale], control[shaders.ControlNorm] = poison(1)[0], poison(1)[0]
		return []Arg{in("parts", parts), out("control", control)}
	}}
}
