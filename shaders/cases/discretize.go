package cases

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

// holdSpec is what a case of discretize is made from.
type holdSpec struct {
	p      shaders.DiscretizeParams
	delta  span // before softplus
	re, im span // of A; an im of zero means pi n, as the layer starts (S4D-Lin)
}

func discretizeCases() []Case {
	var list []Case
	for _, states := range []int{1, 3, 16, 100, 256} {
		for _, rows := range []int{1, 7} {
			list = append(list, layerHold(rows, states).named("d_state %d, %d rows", states, rows))
		}
	}
	list = append(list, layerHold(300, 16).named("d_state 16, 300 rows"))
	for bits := range 8 {
		s := layerHold(5, 16)
		s.p.Softplus, s.p.Modulated, s.p.Log = bits&1 != 0, bits&2 != 0, bits&4 != 0
		if !s.p.Softplus {
			s.delta = span{1e-3, 0.1}
		}
		list = append(list, s.named("%s", switches(on(s.p.Softplus, "softplus"), on(s.p.Modulated, "modulated"), on(s.p.Log, "log"))))
	}
	odd := layerHold(6, 5)
	odd.p.Stride, odd.p.OffDelta, odd.p.OffMod = 19, 17, 7
	dense := plainHold(span{0.01, 1}, span{-2, 0}, span{-5, 5})
	dense.p.Stride, dense.p.OffDelta = 1, 0
	list = append(list, odd.named("odd offsets"), dense.named("dense steps"))
	return append(list, holdExtremes()...)
}

// layerHold is the hold as the layer calls it, out of s_proj's rows of 1 + N +
// 2E numbers; here E is 4.
func layerHold(rows, states int) holdSpec {
	return holdSpec{
		p: shaders.DiscretizeParams{
			Rows: rows, States: states, Stride: 1 + states + 8, OffMod: 1, Softplus: true, Modulated: true,
		},
		delta: span{-3, 1},
		re:    span{-0.6, -0.4},
	}
}

// plainHold is one of ready steps, without modulation.
func plainHold(delta, re, im span) holdSpec {
	return holdSpec{p: shaders.DiscretizeParams{Rows: 40, States: 16, Stride: 3, OffDelta: 1}, delta: delta, re: re, im: im}
}

// holdExtremes is steps and decays far from the usual. Where phi would be small
// beside Abar, which is about 1, its errors would not show: TestHold of package
// shaders_test looks at the two apart.
func holdExtremes() []Case {
	const far = math.Pi * 255
	one := span{1, 1}
	return []Case{
		plainHold(span{1e-4, 1e-4}, span{-1, -0.1}, span{0.1, 100}).named("delta 1e-4"),
		plainHold(span{100, 100}, span{-1, -0.01}, span{0.1, 100}).named("delta 100"),
		plainHold(span{1e-4, 100}, span{-1, -1e-3}, span{1e-3, far}).named("delta 1e-4 to 100"),
		plainHold(span{0, 0}, span{-1, -0.1}, span{-100, 100}).named("delta 0"),
		plainHold(span{1e-3, 10}, span{-16, -16}, span{-100, 100}).named("Re A = -16"),
		plainHold(span{1, 100}, span{-100, -1}, span{-10, 10}).named("decay to nothing"),
		plainHold(one, span{-1e-2, 1e-2}, span{far - 50, far}).named("Im A about 255 pi"),
		plainHold(span{8, 10}, span{-0.01, 0}, span{900, 1000}).named("angles of 1e4"),
		plainHold(span{8, 10}, span{-0.01, 0}, span{-1000, -900}).named("angles of -1e4"),
		plainHold(span{80, 100}, span{-0.01, 0}, span{-1000, 1000}).named("angles of 1e5"),
		plainHold(one, span{-0.02, 0}, span{0, 16}).named("angles of the first turns"),
		plainHold(span{math.Pi / 2, math.Pi / 2}, span{-0.02, 0}, span{99, 101}).named("steps of a quarter turn"),
		plainHold(one, span{-1e-6, 0}, span{1e-6, 1e-6}).named("z about 1e-6"),
		plainHold(one, span{-1e-4, 1e-4}, span{-1e-4, 1e-4}).named("z about 1e-4"),
		plainHold(one, span{-1e-2, 1e-2}, span{-1e-2, 1e-2}).named("z about 1e-2"),
		plainHold(one, span{-0.2, 0.1}, span{-0.15, 0.15}).named("z about 1/8"),
		plainHold(one, span{-1.5, 1}, span{-1, 1}).named("z about 1"),
		plainHold(span{0.01, 1}, span{0, 0}, span{1e-30, 1e-20}).named("A about 0"),
		plainHold(span{0.01, 1}, span{-3, 0}, span{1e-37, 1e-37}).named("A real"),
		plainHold(span{0.01, 1}, span{0, 0}, span{1, 100}).named("A imaginary"),
	}
}

// named is the case with that name. exp(x) is right to a few units of 2^-24, x =
// delta Re A being rounded, and so are a sine and a cosine: 5e-7 of the largest
// value. An angle y adds 2^-33 of its size, and a step that softplus made, with
// an error of 4e-7, adds 4e-7 y.
func (spec holdSpec) named(format string, a ...any) Case {
	angle := max(math.Abs(spec.im.lo), spec.im.hi)
	if spec.im == (span{}) {
		angle = math.Pi * float64(spec.p.States)
	}
	tol := Tolerance{Rel: 5e-7}
	if spec.p.Softplus {
		tol.Rel += 4e-7 * angle * math.Log1p(math.Exp(spec.delta.hi))
	} else {
		tol.Rel += 0x1p-33 * angle * spec.delta.hi
	}
	return Case{Name: fmt.Sprintf(format, a...), Params: spec.p, Tol: tol, fill: spec.fill}
}

// fill makes the buffers.
func (spec holdSpec) fill(s *source) []Arg {
	p := spec.p
	rows := strided(spec.delta.draw(s, p.Rows), 1, p.Stride, p.OffDelta)
	if p.Modulated {
		place(rows, s.normal(p.Rows*p.States), p.States, p.Stride, p.OffMod)
	}
	a := drawA(s, p.States, p.States, spec.re, spec.im)
	if p.Log {
		logs, ims := make([]float32, 0, 2*p.States), []float32(nil)
		for i := 0; i < len(a); i += 2 {
			logs, ims = append(logs, float32(math.Log(-float64(a[i])))), append(ims, a[i+1])
		}
		a = append(logs, ims...)
	}
	return []Arg{
		in("s", rows),
		in("a", a),
		out("cells", poison(4*p.Rows*p.States)),
	}
}

// drawA is n pairs of re and im. An im of zero means about pi times the number
// of the state, of states.
func drawA(s *source, n, states int, re, im span) []float32 {
	a := make([]float32, 2*n)
	x, y := re.draw(s, n), im.draw(s, n)
	if im == (span{}) {
		y = s.uniform(n, 0.97*math.Pi, 1.03*math.Pi)
		for i := range y {
			y[i] *= float32(i % states)
		}
	}
	for i := range n {
		a[2*i], a[2*i+1] = x[i], y[i]
	}
	return a
}
