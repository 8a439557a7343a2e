package cases

import (
	"fmt"

	"github.com/mambagpu/mambagpu/shaders"
)

func rmsNormBackwardCases() []Case {
	var list []Case
	for i, size := range normBackwardSizes {
		p := shaders.RMSNormBackwardParams{Rows: size[0], Width: size[1], Eps: 1e-5, Add: i%2 == 1}
		list = append(list, rmsNormBackwardCase(fmt.Sprintf("%d rows of %d%s", p.Rows, p.Width, on(p.Add, ", added")), p, 1))
	}
	p := shaders.RMSNormBackwardParams{Rows: 6, Width: 132, Eps: 1e-5}
	return append(list,
		rmsNormBackwardCase("values of 1e-3, near Eps", p, 1e-3),
		rmsNormBackwardCase("values of 1e10", p, 1e10),
		rmsNormBackwardCase("zeros", p, 0),
	)
}

// rmsNormBackwardCase has values of x of the given scale, and gradients of order 1,
// so that those of x are of order 1/scale. Of a row of one value they cancel to some
// millionths of their terms, which are of order 1/x: what is left of these is rounding.
// A weight's gradient is a sum of up to 9000 terms of both signs, in parts of a few.
func rmsNormBackwardCase(name string, p shaders.RMSNormBackwardParams, scale float32) Case {
	tol := Tolerance{Abs: 1e-6 / max(1, float64(scale)), Rel: 3e-6}
	if p.Width == 1 {
		tol.Abs = 1e-5
	}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		return append(normBackwardArgs(s, p.Rows, p.Width, scale, 0, p.Add), out("dweight", s.normal(p.Width)))
	}}
}
