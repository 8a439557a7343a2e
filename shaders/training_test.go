package shaders_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// TestTrainingShapeErrors gives the kernels of training what does not fit.
func TestTrainingShapeErrors(t *testing.T) {
	k := open(t, nil)
	b, err := k.Device().NewBuffer("b", 64) // 16 elements
	require.NoError(t, err)
	defer b.Close()
	rms := func(p shaders.RMSNormBackwardParams, x, weight, dy, dx, scratch, dweight *wgpu.Buffer) error {
		_, err := k.RMSNormBackward(p, x, weight, dy, dx, scratch, dweight)
		return err
	}
	layer := func(p shaders.LayerNormBackwardParams, scratch, dweight, dbias *wgpu.Buffer) error {
		_, err := k.LayerNormBackward(p, b, b, b, b, scratch, dweight, dbias)
		return err
	}
	conv := func(edit func(p *shaders.CausalConvParams), dx, scratch, dweights *wgpu.Buffer) error {
		p := shaders.CausalConvParams{Batch: 1, Length: 4, Channels: 2, Width: 4, Stride: 2, Fresh: true}
		edit(&p)
		_, err := k.CausalConvBackward(p, b, b, b, dx, scratch, dweights)
		return err
	}
	same := func(*shaders.CausalConvParams) {}
	embedding := func(p shaders.EmbeddingBackwardParams) error {
		_, err := k.EmbeddingBackward(p, b, b, nil, b)
		return err
	}
	last := func(_ *wgpu.Dispatch, err error) error { return err }
	small := shaders.RMSNormBackwardParams{Rows: 4, Width: 4}
	for _, c := range []struct {
		arg string
		err error
	}{
		{"Rows", rms(shaders.RMSNormBackwardParams{Width: 4}, b, b, b, b, b, b)},
		{"Width", rms(shaders.RMSNormBackwardParams{Rows: 1, Width: shaders.MaxNormBackwardWidth + 1}, b, b, b, b, b, b)},
		{"x", rms(shaders.RMSNormBackwardParams{Rows: 5, Width: 4}, b, b, b, b, b, b)},
		{"weight", rms(small, b, nil, b, b, b, b)},
		{"dy", rms(small, b, b, nil, b, b, b)},
		{"dx", rms(small, b, b, b, nil, b, b)},
		{"scratch", rms(small, b, b, b, b, nil, b)},
		{"dweight", rms(small, b, b, b, b, b, nil)},
		{"scratch", layer(shaders.LayerNormBackwardParams{Rows: 1, Width: 9}, b, b, b)},
		{"dweight", layer(shaders.LayerNormBackwardParams{Rows: 1, Width: 8}, b, nil, b)},
		{"dbias", layer(shaders.LayerNormBackwardParams{Rows: 1, Width: 8}, b, b, nil)},
		{"Fresh", conv(func(p *shaders.CausalConvParams) { p.Fresh = false }, b, b, b)},
		{"Packed", conv(func(p *shaders.CausalConvParams) { p.Packing = shaders.Packing{Packed: true, Rows: 4} }, b, b, b)},
		{"Width", conv(func(p *shaders.CausalConvParams) { p.Width = 9 }, b, b, b)},
		{"Offset", conv(func(p *shaders.CausalConvParams) { p.Offset = 1 }, b, b, b)},
		{"x", conv(func(p *shaders.CausalConvParams) { p.Stride = 6 }, b, b, b)},
		{"weights", conv(func(p *shaders.CausalConvParams) { p.Width, p.Bias = 8, true }, b, b, b)},
		{"dx", conv(same, nil, b, b)},
		{"scratch", conv(same, b, nil, b)},
		{"dweights", conv(same, b, b, nil)},
		{"Tokens", embedding(shaders.EmbeddingBackwardParams{Width: 1, Rows: 1})},
		{"FirstRow", embedding(shaders.EmbeddingBackwardParams{Tokens: 1, Width: 1, FirstRow: -1, Rows: 1})},
		{"places", embedding(shaders.EmbeddingBackwardParams{Tokens: 4, Width: 1, Rows: 1})},
		{"dx", embedding(shaders.EmbeddingBackwardParams{Tokens: 1, Width: 17, Rows: 1})},
		{"dtable", embedding(shaders.EmbeddingBackwardParams{Tokens: 1, Width: 16, Rows: 2})},
		{"Vocab", last(k.CrossEntropy(shaders.CrossEntropyParams{Rows: 1}, b, b, b))},
		{"logits", last(k.CrossEntropy(shaders.CrossEntropyParams{Rows: 3, Vocab: 6}, b, b, b))},
		{"targets", last(k.CrossEntropy(shaders.CrossEntropyParams{Rows: 4, Vocab: 4, OffTarget: 13}, b, b, b))},
		{"losses", last(k.CrossEntropy(shaders.CrossEntropyParams{Rows: 4, Vocab: 4, OffLoss: 13}, b, b, b))},
		{"Runs", last(k.SquareSums(shaders.SquareSumsParams{Elements: 16}, b, b, b))},
		{"Elements", last(k.SquareSums(shaders.SquareSumsParams{Runs: 1}, b, b, b))},
		{"runs", last(k.SquareSums(shaders.SquareSumsParams{Runs: 5, Elements: 16}, b, b, b))},
		{"x", last(k.SquareSums(shaders.SquareSumsParams{Runs: 1, Elements: 17}, b, b, b))},
		{"parts", last(k.SquareSums(shaders.SquareSumsParams{Runs: 1, Elements: 16, OffOut: 16}, b, b, b))},
		{"parts", last(k.ClipScale(shaders.ClipScaleParams{Parts: 17}, b, b))},
		{"control", last(k.ClipScale(shaders.ClipScaleParams{Parts: 16}, b, nil))},
		{"Runs", last(k.AdamW(shaders.AdamWParams{Runs: 1<<26 + 1, Elements: 16}, b, b, b, b, b, b))},
		{"runs", last(k.AdamW(shaders.AdamWParams{Runs: 5, Elements: 16}, b, b, b, b, b, b))},
		{"gradient", last(k.AdamW(shaders.AdamWParams{Runs: 1, Elements: 17}, b, b, b, b, b, b))},
		{"control", last(k.AdamW(shaders.AdamWParams{Runs: 1, Elements: 16}, b, b, nil, b, b, b))},
		{"parameter", last(k.AdamW(shaders.AdamWParams{Runs: 1, Elements: 16}, b, b, b, nil, b, b))},
		{"m", last(k.AdamW(shaders.AdamWParams{Runs: 1, Elements: 16}, b, b, b, b, nil, b))},
		{"v", last(k.AdamW(shaders.AdamWParams{Runs: 1, Elements: 16}, b, b, b, b, b, nil))},
		{"States", last(k.LogDecays(shaders.LogDecaysParams{Channels: 1 << 20, States: 1 << 20}, b, b))},
		{"out", last(k.LogDecays(shaders.LogDecaysParams{Channels: 4, States: 4}, b, nil))},
		{"weights", last(k.LogDecaysBackward(shaders.LogDecaysParams{Channels: 4, States: 4, Rest: 1}, b, b, b))},
		{"dlog", last(k.LogDecaysBackward(shaders.LogDecaysParams{Channels: 4, States: 4}, b, b, nil))},
		{"Count", last(k.Sum(shaders.SumParams{Count: 1<<24 + 1}, b, b))},
		{"out", last(k.Sum(shaders.SumParams{Count: 16, OffOut: 16}, b, b))},
	} {
		var shape *shaders.ShapeError
		require.ErrorAs(t, c.err, &shape, c.arg)
		assert.Equal(t, c.arg, shape.Arg, c.err)
		assert.Contains(t, shaders.Names(), shape.Kernel)
	}
}
