package shaders_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// trainBench is one operation of training, of one dispatch or several.
type trainBench struct {
	name     string
	bytes    int // moved: each input read once, each output written once, and read if it is added to
	dispatch func(k *shaders.Kernels, buffer func(words int) *wgpu.Buffer) ([]*wgpu.Dispatch, error)
}

// inARow is how often a submission of a trainBench repeats it, so that what a
// submission costs does not count.
const inARow = 64

// run reports the median wall time of an operation, after a quarter of a second of
// it: a GPU that was idle runs at a low clock.
func (c trainBench) run(b *testing.B, k *shaders.Kernels) {
	list, err := c.dispatch(k, buffers(b, k))
	require.NoError(b, err)
	pass := k.Device().NewPass(c.name)
	defer pass.Close()
	for range inARow {
		pass.Dispatch(list...)
	}
	once := func() time.Duration {
		start := time.Now()
		require.NoError(b, pass.Submit())
		require.NoError(b, k.Device().Wait())
		return time.Since(start) / inARow
	}
	for start := time.Now(); time.Since(start) < 250*time.Millisecond; {
		once()
	}
	var times []time.Duration
	for b.Loop() {
		times = append(times, once())
	}
	slices.Sort(times)
	median := times[len(times)/2]
	b.ReportMetric(float64(median.Nanoseconds())/1e3, "us(median)")
	b.ReportMetric(float64(times[0].Nanoseconds())/1e3, "us(min)")
	b.ReportMetric(float64(c.bytes)/median.Seconds()/1e9, "GB/s")
}

func runTraining(b *testing.B, list ...trainBench) {
	k := open(b, nil)
	for _, c := range list {
		b.Run(c.name, func(b *testing.B) { c.run(b, k) })
	}
}

// one is an operation of one dispatch.
func one(d *wgpu.Dispatch, err error) ([]*wgpu.Dispatch, error) { return []*wgpu.Dispatch{d}, err }

func rmsNormBackwardBench(rows, width int, add bool) trainBench {
	p := shaders.RMSNormBackwardParams{Rows: rows, Width: width, Eps: 1e-5, Add: add}
	n, moved := rows*width, 3
	if add {
		moved++
	}
	return trainBench{fmt.Sprintf("T%d_D%d_added_%v", rows, width, add), 4 * moved * n, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.RMSNormBackward(p, buffer(n), buffer(width), buffer(n), buffer(n), buffer(k.RMSNormBackwardScratch(p)), buffer(width))
	}}
}

// BenchmarkRMSNormRows is rms_norm of many narrow rows and of fewer wide ones.
func BenchmarkRMSNormRows(b *testing.B) {
	var list []trainBench
	for _, s := range [][2]int{{32768, 256}, {16384, 768}, {2048, 2560}} {
		p := shaders.RMSNormParams{Rows: s[0], Width: s[1], Eps: 1e-5}
		n := p.Rows * p.Width
		list = append(list, trainBench{fmt.Sprintf("T%d_D%d", p.Rows, p.Width), 8 * n, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
			return one(k.RMSNorm(p, buffer(n), buffer(p.Width), buffer(n)))
		}})
	}
	runTraining(b, list...)
}

func BenchmarkRMSNormBackward(b *testing.B) {
	runTraining(b, rmsNormBackwardBench(32768, 256, false), rmsNormBackwardBench(32768, 256, true),
		rmsNormBackwardBench(16384, 768, true), rmsNormBackwardBench(8192, 2560, true))
}

func BenchmarkLayerNormBackward(b *testing.B) {
	const rows, width, n = 8192, 512, 8192 * 512
	p := shaders.LayerNormBackwardParams{Rows: rows, Width: width, Eps: 1e-5}
	runTraining(b, trainBench{"T8192_D512", 12 * n, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.LayerNormBackward(p, buffer(n), buffer(width), buffer(n), buffer(n), buffer(k.LayerNormBackwardScratch(p)), buffer(width), buffer(width))
	}})
}

func convBackwardBench(batch, length, channels int) trainBench {
	n := batch * length * channels
	p := shaders.CausalConvParams{
		Batch: batch, Length: length, Channels: channels, Width: 4, Stride: 2 * channels, Bias: true, SiLU: true, Fresh: true,
	}
	return trainBench{fmt.Sprintf("B%d_L%d_E%d_K4", batch, length, channels), 12 * n, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return k.CausalConvBackward(p, buffer(2*n), buffer(5*channels), buffer(n), buffer(2*n), buffer(k.CausalConvBackwardScratch(p)), buffer(5*channels))
	}}
}

func BenchmarkCausalConvBackward(b *testing.B) {
	runTraining(b, convBackwardBench(64, 512, 512), convBackwardBench(8, 1024, 1024))
}

func BenchmarkEmbeddingBackward(b *testing.B) {
	const tokens, width, rows = 32768, 256, 4096
	p := shaders.EmbeddingBackwardParams{Tokens: tokens, Width: width, Rows: rows}
	for _, s := range []struct {
		name string
		id   func(i int) uint32
	}{
		{"even", func(i int) uint32 { return uint32(i*7919) % rows }},
		{"frequent", func(i int) uint32 { x := uint32(i*7919) % rows; return x * x / rows * x / rows }},
		{"one", func(int) uint32 { return 5 }},
	} {
		ids := make([]uint32, tokens)
		for i := range ids {
			ids[i] = s.id(i)
		}
		runTraining(b, trainBench{"T32768_D256_V4096_" + s.name, 4 * width * (tokens + 2*rows), func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
			words := shaders.EmbeddingPlaces(ids)
			places := buffer(len(words))
			if err := wgpu.Upload(places, 0, words); err != nil {
				return nil, err
			}
			return k.EmbeddingBackward(p, places, buffer(tokens*width), buffer(k.EmbeddingBackwardScratch(p)), buffer(rows*width))
		}})
	}
}

// BenchmarkEmbeddingPlaces is the part of it that the host does.
func BenchmarkEmbeddingPlaces(b *testing.B) {
	ids := make([]uint32, 32768)
	for i := range ids {
		ids[i] = uint32(i*7919) % 4096
	}
	for b.Loop() {
		shaders.EmbeddingPlaces(ids)
	}
}

func crossEntropyBench(rows, vocab int, gradient bool) trainBench {
	p := shaders.CrossEntropyParams{Rows: rows, Vocab: vocab, Scale: 1, Gradient: gradient}
	moved := 1
	if gradient {
		moved = 2
	}
	return trainBench{fmt.Sprintf("T%d_V%d_gradient_%v", rows, vocab, gradient), 4 * moved * rows * vocab, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		targets := buffer(rows)
		if err := wgpu.Upload(targets, 0, make([]uint32, rows)); err != nil {
			return nil, err
		}
		return one(k.CrossEntropy(p, buffer(rows*vocab), targets, buffer(rows)))
	}}
}

func BenchmarkCrossEntropy(b *testing.B) {
	runTraining(b, crossEntropyBench(32768, 4096, true), crossEntropyBench(32768, 4096, false), crossEntropyBench(2048, 50280, true))
}

const trained = 5 << 20 // parameters

func BenchmarkSquareSums(b *testing.B) {
	runs := shaders.CutRuns([]shaders.Run{{Count: trained}})
	p := shaders.SquareSumsParams{Runs: len(runs), Elements: trained}
	runTraining(b, trainBench{"5M", 4 * trained, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		table := buffer(4 * len(runs))
		if err := wgpu.Upload(table, 0, shaders.RunWords(runs)); err != nil {
			return nil, err
		}
		return one(k.SquareSums(p, table, buffer(trained), buffer(len(runs))))
	}})
}

func BenchmarkClipScale(b *testing.B) {
	p := shaders.ClipScaleParams{Parts: 640, MaxNorm: 1}
	runTraining(b, trainBench{"640_parts", 4 * 640, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return one(k.ClipScale(p, buffer(640), buffer(shaders.ControlWords)))
	}})
}

func BenchmarkAdamW(b *testing.B) {
	update := func(name string, n int) trainBench {
		runs := shaders.CutRuns([]shaders.Run{{Count: n, Decays: true}})
		p := shaders.AdamWParams{Runs: len(runs), Elements: n, Aligned: shaders.AlignedRuns(runs), Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.1}
		return trainBench{name, 28 * n, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
			table := buffer(4 * len(runs))
			if err := wgpu.Upload(table, 0, shaders.RunWords(runs)); err != nil {
				return nil, err
			}
			return one(k.AdamW(p, table, buffer(n), buffer(shaders.ControlWords), buffer(n), buffer(n), buffer(n)))
		}}
	}
	runTraining(b, update("5M", trained), update("5M-1", trained-1))
}

func BenchmarkLogDecays(b *testing.B) {
	p := shaders.LogDecaysParams{Channels: 512, States: 16, Rest: 1024}
	n := p.Words()
	runTraining(b,
		trainBench{"E512_N16", 8 * n, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
			return one(k.LogDecays(p, buffer(n), buffer(n)))
		}},
		trainBench{"E512_N16_backward", 16 * n, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
			return one(k.LogDecaysBackward(p, buffer(n), buffer(n), buffer(n)))
		}})
}

func BenchmarkSum(b *testing.B) {
	p := shaders.SumParams{Count: 32768}
	runTraining(b, trainBench{"32768", 4 * p.Count, func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
		return one(k.Sum(p, buffer(p.Count), buffer(1)))
	}})
}
