package cases

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/shaders"
)

func embeddingCases() []Case {
	var list []Case
	for _, width := range []int{1, 7, 256, 768} {
		for _, t := range dtypes {
			p := shaders.EmbeddingParams{Tokens: 9, Width: width, Rows: 50, Table: t}
			ids := []uint32{0, 49, 7, 7, 48, 1, 25, 49, 0} // first, last and repeated rows
			list = append(list, embeddingCase(fmt.Sprintf("%v, width %d", t, width), p, ids))
		}
	}
	return append(list,
		embeddingCase("one token, one row", shaders.EmbeddingParams{Tokens: 1, Width: 5, Rows: 1, Table: shaders.F16}, []uint32{0}),
		embeddingCase("300 tokens", shaders.EmbeddingParams{Tokens: 300, Width: 33, Rows: 40, Table: shaders.BF16}, nil),
		embeddingCase("first shard, ids past its end", shaders.EmbeddingParams{Tokens: 6, Width: 7, Rows: 10, Table: shaders.F16},
			[]uint32{9, 10, 0, 50279, 3, math.MaxUint32}),
		embeddingCase("second shard, ids on both sides", shaders.EmbeddingParams{Tokens: 8, Width: 256, FirstRow: 100, Rows: 20, Table: shaders.F32},
			[]uint32{99, 100, 119, 120, 0, 110, 19, math.MaxUint32}),
		embeddingCase("shard without any of the ids", shaders.EmbeddingParams{Tokens: 3, Width: 8, FirstRow: 1000, Rows: 4, Table: shaders.BF16},
			[]uint32{0, 999, 1004}),
		f16Extremes(),
	)
}

// embeddingCase looks up ids, or random ones if ids is nil. A look-up copies:
// it has no error.
func embeddingCase(name string, p shaders.EmbeddingParams, ids []uint32) Case {
	return Case{Name: name, Params: p, fill: func(s *source) []Arg {
		ids := append([]uint32(nil), ids...)
		for len(ids) < p.Tokens {
			ids = append(ids, uint32(p.FirstRow+s.IntN(p.Rows)))
		}
		return []Arg{
			ints("ids", ids),
			s.weights("table", p.Rows, p.Width, p.Table, 1),
			out("out", embeddingOut(p, ids)),
		}
	}}
}

// embeddingOut is NaN in the rows that must be written and Untouched in those
// that must not.
func embeddingOut(p shaders.EmbeddingParams, ids []uint32) []float32 {
	y := repeat(p.Tokens*p.Width, Untouched)
	for t, id := range ids {
		if int64(id) >= int64(p.FirstRow) && int64(id) < int64(p.FirstRow+p.Rows) {
			copy(y[t*p.Width:], poison(p.Width))
		}
	}
	return y
}

// f16Extremes has F16 values from one end of the range to the other. The
// tolerance allows a device to read subnormal ones as zero, as WGSL does.
func f16Extremes() Case {
	p := shaders.EmbeddingParams{Tokens: 1, Width: 82, Rows: 1, Table: shaders.F16}
	return Case{Name: "F16, every exponent", Params: p, Tol: Tolerance{Abs: minNormalF16}, fill: func(*source) []Arg {
		table := []float32{maxF16, -maxF16}
		for e := -24; e < 16; e++ {
			v := float32(math.Ldexp(1, e))
			table = append(table, v, -v)
		}
		return []Arg{
			ints("ids", []uint32{0}),
			{Name: "table", F32: table, Weights: true, Type: p.Table, Rows: 1, Cols: p.Width},
			out("out", poison(p.Width)),
		}
	}}
}
