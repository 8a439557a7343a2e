package bench

import (
	"github.com/mambagpu/mambagpu/shaders"
)

func rmsNorm(rows, width int) kernelCase {
	p := shaders.RMSNormParams{Rows: rows, Width: width, Eps: 1e-5}
	c := single("rms_norm", []int{rows, width}, p, []array{
		floats("x", rows*width, -1, 1), floats("weight", width, 0.5, 1.5), result("y", rows*width),
	}, func() (any, []view) {
		some := spread(rows, sampledRows)
		q := p
		q.Rows = len(some)
		dense := view{index: grid(some, width, span(0, width))}
		return q, []view{dense, {index: span(0, width)}, dense}
	})
	c.flops = 4 * float64(rows*width)
	return c
}

func layerNorm(rows, width int) kernelCase {
	p := shaders.LayerNormParams{Rows: rows, Width: width, Eps: 1e-5}
	c := single("layer_norm", []int{rows, width}, p, []array{
		floats("x", rows*width, -1, 1), floats("weight", width, 0.5, 1.5), floats("bias", width, -0.5, 0.5), result("y", rows*width),
	}, func() (any, []view) {
		some := spread(rows, sampledRows)
		q := p
		q.Rows = len(some)
		dense, every := view{index: grid(some, width, span(0, width))}, view{index: span(0, width)}
		return q, []view{dense, every, every, dense}
	})
	// A sum; a difference, its square and their sum; two factors and the bias.
	c.flops = 7 * float64(rows*width)
	return c
}

// lastRows takes the last row of each of batch sequences.
func lastRows(batch, length, width int) kernelCase {
	p := shaders.LastRowsParams{Batch: batch, Length: length, Width: width}
	c := single("last_rows", []int{batch, length, width}, p, []array{
		floats("x", batch*length*width, -1, 1), slots(batch), result("y", batch*width),
	}, func() (any, []view) {
		q := p
		q.Length = 1
		last := make([]int, batch)
		for b := range last {
			last[b] = (b+1)*length - 1
		}
		return q, []view{{index: grid(last, width, span(0, width))}, {index: span(0, batch)}, {index: span(0, batch*width)}}
	})
	c.bytes = 8 * float64(batch*width)
	c.rel = exact
	return c
}

// embedding looks tokens up that are far apart in a table of rows.
func embedding(tokens, width, rows int, t shaders.DType) kernelCase {
	p := shaders.EmbeddingParams{Tokens: tokens, Width: width, Rows: rows, Table: t}
	id := func(i int) uint32 { return uint32((i*7919 + 13) % rows) }
	c := single("embedding", []int{tokens, width}, p, []array{
		{name: "ids", len: tokens, ints: id}, weights("table", rows*width, t, 1), result("out", tokens*width),
	}, func() (any, []view) {
		some := spread(tokens, sampledRows)
		q := p
		q.Tokens, q.Rows = len(some), len(some)
		ids, from := make([]uint32, len(some)), make([]int, len(some))
		for j, i := range some {
			ids[j], from[j] = uint32(j), int(id(i))
		}
		every := span(0, width)
		return q, []view{{words: ids}, {index: grid(from, width, every)}, {index: grid(some, width, every)}}
	})
	c.bytes = float64(tokens) * float64(4+width*(t.Bits()/8+4))
	c.rel = exact
	return c.as(t)
}

func residualAdd(rows, width int) kernelCase {
	p := shaders.ResidualAddParams{Count: rows * width}
	c := single("residual_add", []int{rows, width}, p, []array{
		kept("r", rows*width), floats("x", rows*width, -1, 1),
	}, func() (any, []view) {
		some := view{index: spread(rows*width, 4096)}
		return shaders.ResidualAddParams{Count: len(some.index)}, []view{some, some}
	})
	c.flops, c.rel = float64(rows*width), exact
	return c
}

func peaks(rows, width int) kernelCase {
	p := shaders.ChoiceParams{Rows: rows, Width: width, Stride: width, Ring: 1}
	none := func(int) uint32 { return 0 }
	c := single("peaks", []int{rows, width}, p, []array{
		floats("x", rows*width, -1, 1),
		{name: "draws", len: rows * shaders.DrawWords, ints: none}, {name: "seen", len: 1, ints: none},
		result("best", p.Best()),
	}, func() (any, []view) {
		return p, []view{
			{index: span(0, rows*width)}, {index: span(0, rows*shaders.DrawWords)}, {index: span(0, 1)}, {index: span(0, p.Best())},
		}
	})
	c.rel = exact
	return c
}
