package cases

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func crossEntropyCases() []Case {
	var list []Case
	add := func(name string, p shaders.CrossEntropyParams, scale float64) {
		p.Scale = 1 / float32(p.Rows)
		for _, gradient := range []bool{false, true} {
			p.Gradient = gradient
			list = append(list, crossEntropyCase(name+on(gradient, ", gradient"), p, scale))
		}
	}
	for _, vocab := range []int{1, 2, 3, 4, 255, 256, 257, 1000, 1024, 1028, 4096, 50280} {
		add(fmt.Sprintf("vocabulary of %d", vocab), shaders.CrossEntropyParams{Rows: 5, Vocab: vocab}, 2)
	}
	add("300 rows", shaders.CrossEntropyParams{Rows: 300, Vocab: 33}, 2)
	add("rows of a longer list", shaders.CrossEntropyParams{Rows: 7, Vocab: 40, OffTarget: 3, OffLoss: 5}, 2)
	add("equal logits", shaders.CrossEntropyParams{Rows: 3, Vocab: 500}, 0)
	add("certain", shaders.CrossEntropyParams{Rows: 9, Vocab: 500}, 100)
	add("logits of 1e6", shaders.CrossEntropyParams{Rows: 9, Vocab: 500}, 1e6)
	return list
}

// crossEntropyCase has logits of the given standard deviation, in row 1 a target that is
// none and in the last one a logit of minus infinity. exp of -20, beyond which nothing
// counts, may be off by 43 units in the last place of e^-20; sums of 50280 positive
// terms are off by a few. WGSL's log may be off by 2^-21 near 1.
func crossEntropyCase(name string, p shaders.CrossEntropyParams, scale float64) Case {
	tol := Tolerance{Abs: 1e-6, Rel: 2e-6}
	return Case{Name: name, Params: p, Tol: tol, fill: func(s *source) []Arg {
		logits := s.normal(p.Rows * p.Vocab)
		for i := range logits {
			logits[i] *= float32(scale)
		}
		targets := ints("targets", repeatInts(p.OffTarget, uint32(p.Vocab)))
		for range p.Rows {
			targets.U32 = append(targets.U32, uint32(s.IntN(p.Vocab)))
		}
		targets.U32[p.OffTarget+1] = shaders.NoTarget
		last := p.Rows - 1
		targets.U32[p.OffTarget+last] = uint32(p.Vocab - 1)
		if p.Vocab > 1 {
			logits[last*p.Vocab] = float32(math.Inf(-1))
		}
		l := Arg{Name: "logits", F32: logits, Out: p.Gradient}
		return []Arg{l, targets, out("losses", append(repeat(p.OffLoss, Untouched), poison(p.Rows)...))}
	}}
}

func repeatInts(n int, v uint32) []uint32 {
	x := make([]uint32, n)
	for i := range x {
		x[i] = v
	}
	return x
}
