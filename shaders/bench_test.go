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

// bench is one kernel at one shape, with what a run of it must do at least.
type bench struct {
	name     string
	bytes    int // moved: each input read once, each output written once
	flops    int // multiply-adds, counted as two
	dispatch func(k *shaders.Kernels, buffer func(words int) *wgpu.Buffer) (*wgpu.Dispatch, error)
	several  func(k *shaders.Kernels, buffer func(words int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) // in place of dispatch
}

func (c bench) dispatches(k *shaders.Kernels, buffer func(words int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	if c.several != nil {
		return c.several(k, buffer)
	}
	d, err := c.dispatch(k, buffer)
	return []*wgpu.Dispatch{d}, err
}

// buffers makes buffers of small numbers of both signs for a benchmark.
func buffers(b *testing.B, k *shaders.Kernels) func(words int) *wgpu.Buffer {
	return func(words int) *wgpu.Buffer {
		buf, err := k.Device().NewBuffer("bench", uint64(words)*4)
		if err != nil {
			b.Skip(err) // the shape does not fit this device
		}
		b.Cleanup(func() { buf.Close() })
		fill(b, buf, words)
		return buf
	}
}

func fill(b *testing.B, buf *wgpu.Buffer, words int) {
	part := make([]float32, min(words, 1<<20))
	x := uint32(12345)
	for i := range part {
		x = x*1664525 + 1013904223
		part[i] = float32(int32(x)) / (1 << 33)
	}
	for at := 0; at < words; at += len(part) {
		require.NoError(b, wgpu.Upload(buf, uint64(at)*4, part[:min(len(part), words-at)]))
	}
}

// run reports the median GPU time of a kernel, or wall time where the device
// has no timestamps.
func (c bench) run(b *testing.B, k *shaders.Kernels) {
	run, err := c.dispatches(k, buffers(b, k))
	require.NoError(b, err)
	pass := k.Device().NewPass(c.name)
	pass.Dispatch(run...)
	defer pass.Close()
	require.NoError(b, pass.Submit())
	require.NoError(b, k.Device().Wait())
	var times []time.Duration
	for b.Loop() {
		d, err := timed(k.Device(), pass)
		require.NoError(b, err)
		times = append(times, d)
	}
	slices.Sort(times)
	median := times[len(times)/2]
	b.ReportMetric(float64(median.Nanoseconds())/1e3, "us(median)")
	b.ReportMetric(float64(times[0].Nanoseconds())/1e3, "us(min)")
	b.ReportMetric(float64(c.bytes)/median.Seconds()/1e9, "GB/s")
	b.ReportMetric(float64(c.flops)/median.Seconds()/1e12, "TFLOP/s")
}

func timed(d *wgpu.Device, pass *wgpu.Pass) (time.Duration, error) {
	if d.Timestamps() {
		return pass.SubmitTotal()
	}
	start := time.Now()
	if err := pass.Submit(); err != nil {
		return 0, err
	}
	err := d.Wait()
	return time.Since(start), err
}

func runAll(b *testing.B, list []bench) {
	k := open(b, nil)
	for _, c := range list {
		b.Run(c.name, func(b *testing.B) { c.run(b, k) })
	}
}

type scanMethod func(k *shaders.Kernels, p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error)

func scanBench(batch, length, channels, states int) bench {
	return scanBenchOf((*shaders.Kernels).SelectiveScan, batch, length, channels, states)
}

// firstSlots gives batch row b the slot b.
func firstSlots(batch int, buffer func(words int) *wgpu.Buffer) (*wgpu.Buffer, error) {
	slots := buffer(batch)
	ids := make([]uint32, batch)
	for i := range ids {
		ids[i] = uint32(i)
	}
	return slots, wgpu.Upload(slots, 0, ids)
}

func scanBenchOf(scan scanMethod, batch, length, channels, states int) bench {
	p := shaders.SelectiveScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 2 * states, OffC: states, ZStride: channels,
		HasZ: true, HasD: true, HasBias: true, Softplus: true,
	}
	rows := batch * length
	return bench{
		name:  fmt.Sprintf("B%d_L%d_E%d_N%d", batch, length, channels, states),
		bytes: 4 * (4*rows*channels + rows*2*states),
		flops: rows * channels * states * 6,
		dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			slots, err := firstSlots(batch, buffer)
			if err != nil {
				return nil, err
			}
			return scan(k, p, buffer(rows*channels), buffer(rows*channels), buffer(rows*2*states), buffer(rows*channels),
				buffer(p.WeightCount()), slots, buffer(batch*channels*states), buffer(rows*channels))
		},
	}
}

func BenchmarkSelectiveScan(b *testing.B) {
	runAll(b, []bench{
		scanBench(1, 512, 512, 16), scanBench(1, 2048, 1536, 16), scanBench(8, 2048, 1024, 16),
		scanBench(1, 16384, 1536, 16), scanBench(4, 2048, 1024, 64), scanBench(4, 2048, 1024, 128),
	})
}

func matmulBench(m, n, k int, t shaders.DType) bench {
	return bench{
		name:  fmt.Sprintf("M%d_N%d_K%d_%v", m, n, k, t),
		bytes: 4*(m*k+m*n) + n*k*t.Bits()/8,
		flops: 2 * m * n * k,
		dispatch: func(ks *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			p := shaders.MatmulParams{M: m, N: n, K: k, LDA: k, LDC: n, Weights: t}
			a, w, c := buffer(m*k), buffer(int(shaders.MatrixBytes(t, n, k)/4)), buffer(m*n)
			if m <= shaders.MaxMatvecRows {
				return ks.Matvec(p, a, w, nil, c)
			}
			return ks.Matmul(p, a, w, nil, c)
		},
	}
}

func BenchmarkMatmul(b *testing.B) {
	runAll(b, []bench{
		matmulBench(256, 1024, 256, shaders.F32), matmulBench(2048, 3072, 768, shaders.F32),
		matmulBench(2048, 80, 1536, shaders.F32), matmulBench(2048, 768, 1536, shaders.F32),
		matmulBench(4096, 4096, 4096, shaders.F32), matmulBench(4096, 4096, 4096, shaders.F16),
	})
}

func BenchmarkMatvec(b *testing.B) {
	runAll(b, []bench{
		matmulBench(1, 1024, 256, shaders.F16), matmulBench(1, 3072, 768, shaders.F16), matmulBench(1, 50280, 768, shaders.F16),
		matmulBench(1, 10240, 2560, shaders.F16), matmulBench(8, 10240, 2560, shaders.F16), matmulBench(1, 10240, 2560, shaders.F32),
	})
}

func convBench(batch, length, channels, width int) bench {
	rows := batch * length
	p := shaders.CausalConvParams{Batch: batch, Length: length, Channels: channels, Width: width, Stride: channels, Bias: true, SiLU: true}
	return bench{
		name:  fmt.Sprintf("B%d_L%d_E%d_K%d", batch, length, channels, width),
		bytes: 8 * rows * channels,
		flops: 2 * rows * channels * width,
		dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			slots := buffer(batch)
			if err := wgpu.Upload(slots, 0, make([]uint32, batch)); err != nil {
				return nil, err
			}
			step := k.CausalConv
			if length == 1 {
				step = k.CausalConvStep
			}
			return step(p, buffer(rows*channels), buffer(channels*(width+1)), slots, buffer(channels*(width-1)), buffer(rows*channels))
		},
	}
}

func BenchmarkCausalConv(b *testing.B) {
	runAll(b, []bench{convBench(1, 512, 512, 4), convBench(8, 2048, 1024, 4)})
}

func BenchmarkCausalConvStep(b *testing.B) {
	runAll(b, []bench{convBench(1, 1, 1536, 4)})
}

func BenchmarkSelectiveScanStep(b *testing.B) {
	var list []bench
	for _, channels := range []int{1536, 5120} {
		c := scanBench(1, 1, channels, 16)
		c.bytes += 4 * channels * 16 * 3 // A, and the state twice
		c.dispatch = stepDispatch(channels)
		list = append(list, c)
	}
	runAll(b, list)
}

func stepDispatch(channels int) func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
	p := shaders.SelectiveScanParams{Batch: 1, Length: 1, Channels: channels, States: 16, BCStride: 32, OffC: 16, ZStride: channels, HasZ: true, HasD: true}
	return func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
		slots := buffer(1)
		if err := wgpu.Upload(slots, 0, []uint32{0}); err != nil {
			return nil, err
		}
		return k.SelectiveScanStep(p, buffer(channels), buffer(channels), buffer(32), buffer(channels),
			buffer(p.WeightCount()), slots, buffer(channels*16), buffer(channels))
	}
}

func BenchmarkDtProj(b *testing.B) {
	runAll(b, []bench{{
		name: "T2048_E1536_R48", bytes: 4 * 2048 * (1536 + 48), flops: 2 * 2048 * 1536 * 48,
		dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			p := shaders.DtProjParams{Rows: 2048, Channels: 1536, Rank: 48, Stride: 80, Weights: shaders.F32}
			return k.DtProj(p, buffer(2048*80), buffer(48*1536), buffer(1536), buffer(2048*1536))
		},
	}})
}

func BenchmarkRMSNorm(b *testing.B) {
	runAll(b, []bench{{
		name: "T2048_D2560", bytes: 8 * 2048 * 2560, flops: 4 * 2048 * 2560,
		dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			p := shaders.RMSNormParams{Rows: 2048, Width: 2560, Eps: 1e-5}
			return k.RMSNorm(p, buffer(2048*2560), buffer(2560), buffer(2048*2560))
		},
	}})
}

func BenchmarkEmbedding(b *testing.B) {
	runAll(b, []bench{{
		name: "T2048_D768_F16", bytes: 2048 * 768 * 6,
		dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			p := shaders.EmbeddingParams{Tokens: 2048, Width: 768, Rows: 50280, Table: shaders.F16}
			ids := buffer(2048)
			if err := wgpu.Upload(ids, 0, make([]uint32, 2048)); err != nil {
				return nil, err
			}
			return k.Embedding(p, ids, buffer(50280*768/2), buffer(2048*768))
		},
	}})
}

func BenchmarkResidualAdd(b *testing.B) {
	const n = 2048 * 2560
	runAll(b, []bench{{
		name: "T2048_D2560", bytes: 12 * n, flops: n,
		dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			return k.ResidualAdd(shaders.ResidualAddParams{Count: n}, buffer(n), buffer(n))
		},
	}})
}

// BenchmarkChoice times the kernels of a choice on logits that are all equal, the
// worst that a draw can meet.
func BenchmarkChoice(b *testing.B) {
	p := shaders.ChoiceParams{Rows: 1, Width: 50280, Stride: 50280, Ring: 16}
	one := func(name string, run func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error)) bench {
		return bench{name: name + "_B1_V50280", bytes: 4 * 50280, dispatch: run}
	}
	runAll(b, []bench{
		one("peaks", func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			return k.Peaks(p, buffer(50280), buffer(shaders.DrawWords), buffer(1), buffer(p.Best()))
		}),
		one("gumbel", func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			return k.Gumbel(p, buffer(50280), buffer(p.Best()), buffer(shaders.DrawWords), buffer(1), buffer(p.Best()))
		}),
		one("histogram", func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			return k.Histogram(p, buffer(50280), buffer(shaders.DrawWords), buffer(1), buffer(p.Best()), buffer(p.Bins()))
		}),
		one("choose", func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			return k.Choose(p, buffer(p.Best()), buffer(1), buffer(shaders.DrawWords), buffer(16), buffer(1))
		}),
		one("cut", func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			return k.Cut(p, buffer(50280), buffer(p.Best()), buffer(1), buffer(shaders.DrawWords), buffer(p.Bins()), buffer(50280))
		}),
	})
}

// stepShape is a model's sizes that a step of decoding depends on.
type stepShape struct {
	name                    string
	width, channels, rank   int
	outputs, group, weights int // weights: of W_in, in bytes
}

func stepShapes() []stepShape {
	list := []stepShape{
		{name: "130m", width: 768, channels: 1536, rank: 48, group: 16},
		{name: "2.8b", width: 2560, channels: 5120, rank: 160, group: 32},
	}
	for i := range list {
		s := &list[i]
		s.outputs = s.rank + 32
		s.weights = int(shaders.MatrixBytes(shaders.F16, 2*s.channels, s.width))
	}
	return list
}

func BenchmarkInProjStep(b *testing.B) {
	var list []bench
	for _, s := range stepShapes() {
		p := shaders.InProjStepParams{
			Rows: 1, Width: s.width, Channels: s.channels, Taps: 4, Outputs: s.outputs, Group: s.group, Eps: 1e-5,
			Weights: shaders.F16, XWeights: shaders.F16, ConvBias: true,
		}
		list = append(list, bench{
			name: s.name, bytes: s.weights + 2*s.outputs*s.channels, flops: 2 * s.channels * (2*s.width + s.outputs),
			dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
				slots, err := firstSlots(1, buffer)
				if err != nil {
					return nil, err
				}
				return k.InProjStep(p, buffer(s.width), buffer(s.weights/4), buffer(s.width+5*s.channels), slots,
					buffer(s.outputs*s.channels/2), buffer(3*s.channels), buffer(2*s.channels), buffer(p.Groups()*p.PartsStride()))
			},
		})
	}
	runAll(b, list)
}

func BenchmarkXProjStep(b *testing.B) {
	var list []bench
	for _, s := range stepShapes() {
		const rows = 64
		p := shaders.XProjStepParams{Rows: rows, Channels: s.channels, Taps: 4, Outputs: s.outputs, Group: 64, XWeights: shaders.F16, ConvBias: true}
		list = append(list, bench{
			name: fmt.Sprintf("%s_B%d", s.name, rows), bytes: 2*s.outputs*s.channels + 4*rows*s.channels*8, flops: 2 * rows * s.channels * s.outputs,
			dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
				slots, err := firstSlots(rows, buffer)
				if err != nil {
					return nil, err
				}
				return k.XProjStep(p, buffer(5*s.channels), slots, buffer(s.outputs*s.channels/2), buffer(3*rows*s.channels),
					buffer(2*rows*s.channels), buffer(p.Groups()*rows*p.PartsStride()))
			},
		})
	}
	runAll(b, list)
}

func BenchmarkDtScanStep(b *testing.B) {
	var list []bench
	for _, s := range stepShapes() {
		for _, rows := range []int{1, 64} {
			groups := s.channels / s.group
			if rows > 1 {
				groups = s.channels / 64
			}
			p := shaders.DtScanStepParams{Rows: rows, Channels: s.channels, Rank: s.rank, States: 16, Groups: groups, Weights: shaders.F16}
			list = append(list, bench{
				name: fmt.Sprintf("%s_B%d", s.name, rows), bytes: 2*s.rank*s.channels + 4*s.channels*16*(1+2*rows), flops: rows * s.channels * (2*s.rank + 6*16),
				dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
					slots, err := firstSlots(rows, buffer)
					if err != nil {
						return nil, err
					}
					return k.DtScanStep(p, buffer(2*rows*s.channels), buffer(groups*rows*s.outputs), buffer(s.rank*s.channels/2),
						buffer(18*s.channels), slots, buffer(16*rows*s.channels), buffer(rows*s.channels))
				},
			})
		}
	}
	runAll(b, list)
}
