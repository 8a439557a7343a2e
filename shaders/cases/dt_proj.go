package cases

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func dtProjCases() []Case {
	var list []Case
	add := func(rows, channels, rank int, t shaders.DType) {
		name := fmt.Sprintf("%d rows, %d channels, rank %d, %v", rows, channels, rank, t)
		list = append(list, dtProjCase(name, dtProjParams(rows, channels, rank, t), -2, 2))
	}
	for _, rank := range []int{1, 2, 3, 16, 48, 160} {
		for _, t := range floats {
			add(9, 33, rank, t)
		}
	}
	for i, channels := range []int{1, 7, 64, 65, 512} {
		add(5, channels, 16, floats[i%3])
		add(1, channels, 48, floats[(i+1)%3])
	}
	for i, rows := range []int{1, 2, 8, 17, 64} {
		add(rows, 50, 16, floats[i%3])
	}
	add(64, 512, 48, shaders.F16)
	add(260, 66, 35, shaders.F16)
	add(1030, 130, 35, shaders.BF16)
	add(1025, 33, 6, shaders.F32)
	list = append(list, dtProjRanges()...)

	odd := dtProjParams(6, 40, 5, shaders.F32)
	odd.Stride, odd.Offset = 5+2*16+3, 3
	packed := dtProjParams(6, 40, 16, shaders.F16)
	packed.Stride = packed.Rank
	return append(list,
		dtProjCase("odd offset in wider rows", odd, -2, 2),
		dtProjCase("dense rows", packed, -2, 2),
	)
}

// dtProjRanges is the ends of softplus. Each range has a case of its own,
// since beside a large step the error of a small one would not show.
func dtProjRanges() []Case {
	p := dtProjParams(8, 65, 3, shaders.F32)
	// With the pre-activation x of size 30, rounding x alone changes exp(x) by
	// 30 * 2^-23, and WGSL allows exp(x) an error of 3 + 2|x| units: 1e-5.
	tiny := dtProjCase("pre-activations about -30", p, -31, -29)
	tiny.Tol = Tolerance{Rel: 2e-5}
	return []Case{
		tiny,
		dtProjCase("steps of 1e-4 to 1e-3", p, -9.2, -6.9),
		dtProjCase("steps of 1e-3 to 0.1", p, -6.9, -2.3),
		dtProjCase("pre-activations -30 to 100", p, -30, 100),
		dtProjCase("pre-activations about 100", p, 95, 105),
		dtProjCase("pre-activations about 20", p, 15, 25),
		dtProjCase("pre-activations -1000 to 1000", p, -1000, 1000),
	}
}

// dtProjParams reads dt out of x_proj's (dt, B, C) with 16 states.
func dtProjParams(rows, channels, rank int, t shaders.DType) shaders.DtProjParams {
	return shaders.DtProjParams{Rows: rows, Channels: channels, Rank: rank, Stride: rank + 32, Weights: t}
}

// dtProjCase has biases in [lo, hi) and adds to them a sum of order 0.5. An
// error of the pre-activation x, about 2^-23 |x| and the sum's own, becomes the
// relative error of a small step; a softplus that keeps its digits, log1p and
// not log(1 + exp(x)), adds a few units in the last place. 1e-5 covers |x| up
// to about 10.
func dtProjCase(name string, p shaders.DtProjParams, lo, hi float64) Case {
	return Case{Name: name, Params: p, Tol: Tolerance{Rel: 1e-5}, fill: func(s *source) []Arg {
		w := s.weights("w", p.Channels, p.Rank, p.Weights, 0.5/sqrt(p.Rank))
		w.Paired = true
		return []Arg{
			in("x", strided(s.normal(p.Rows*p.Rank), p.Rank, p.Stride, p.Offset)),
			w,
			in("bias", s.uniform(p.Channels, lo, hi)),
			out("delta", poison(p.Rows*p.Channels)),
		}
	}}
}

func sqrt(n int) float64 { return math.Sqrt(float64(n)) }
