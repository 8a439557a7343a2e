package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func layerNormBackwardCases() []Case {
	var list []Case
	for i, size := range normBackwardSizes {
		if size[1] < 3 {
			continue // one value has no gradient, and two have none but for Eps
		}
		p := shaders.LayerNormBackwardParams{Rows: size[0], Width: size[1], Eps: 1e-5, Add: i%2 == 1}
		list = append(list, layerNormBackwardCase(fmt.Sprintf("%d rows of %d%s", p.Rows, p.Width, on(p.Add, ", added")), p, 1, 0))
	}
	p := shaders.LayerNormBackwardParams{Rows: 6, Width: 132, Eps: 1e-5}
	return append(list,
		layerNormBackwardCase("values of 1e-3, near Eps", p, 1e-3, 0),
		layerNormBackwardCase("values of 1e10", p, 1e10, 0),
		layerNormBackwardCase("values around 100", p, 1, 100),
		layerNormBackwardCase("values around -1000", p, 1, -1000),
		layerNormBackwardCase("constants", p, 0, 3),
	)
}

// layerNormBackwardCase has values of x of the given scale around a mean, of which
// the kernel loses nothing, and gradients of order 1: see rmsNormBackwardCase.
func layerNormBackwardCase(name string, p shaders.LayerNormBackwardParams, scale, mean float32) Case {
	tol := Tolerance{Abs: 1e-6 / max(1, float64(scale)), Rel: 3e-6}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		args := normBackwardArgs(s, p.Rows, p.Width, scale, mean, p.Add)
		return append(args, out("dweight", s.normal(p.Width)), out("dbias", s.normal(p.Width)))
	}}
}
