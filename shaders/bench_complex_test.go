package shaders_test

import (
	"fmt"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// The ladder that ends in selective_scan, at its shapes.
func BenchmarkSelectiveScanNaive(b *testing.B) { ladder(b, (*shaders.Kernels).SelectiveScanNaive) }
func BenchmarkSelectiveScanTiled(b *testing.B) { ladder(b, (*shaders.Kernels).SelectiveScanTiled) }

func ladder(b *testing.B, scan scanMethod) {
	runAll(b, []bench{
		scanBenchOf(scan, 1, 512, 512, 16), scanBenchOf(scan, 1, 2048, 1536, 16), scanBenchOf(scan, 8, 2048, 1024, 16),
		scanBenchOf(scan, 4, 2048, 1024, 64),
	})
}

// complexBench counts the exponential and the turn as 30 operations.
func complexBench(batch, length, channels, states int) bench {
	p := shaders.ComplexScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 4 * states, OffC: 2 * states, ZStride: channels,
		HasZ: true, HasD: true, HasBias: true, Softplus: true,
	}
	rows := batch * length
	c := bench{
		name:  fmt.Sprintf("B%d_L%d_E%d_N%d", batch, length, channels, states),
		bytes: 4 * (4*rows*channels + rows*4*states),
		flops: rows * channels * states * 46,
	}
	scan := (*shaders.Kernels).SelectiveScanComplex
	if length == 1 {
		scan = (*shaders.Kernels).SelectiveScanComplexStep
		c.bytes += 4 * (channels*states*2 + 2*batch*channels*states*2) // A, and the state twice
	}
	c.dispatch = func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
		slots, err := firstSlots(batch, buffer)
		if err != nil {
			return nil, err
		}
		return scan(k, p, buffer(rows*channels), buffer(rows*channels), buffer(rows*4*states), buffer(rows*channels),
			buffer(p.WeightCount()), slots, buffer(2*batch*channels*states), buffer(rows*channels))
	}
	return c
}

func BenchmarkSelectiveScanComplex(b *testing.B) {
	runAll(b, []bench{complexBench(1, 512, 512, 16), complexBench(8, 2048, 1024, 16), complexBench(4, 2048, 1024, 64)})
}

func BenchmarkSelectiveScanComplexStep(b *testing.B) {
	runAll(b, []bench{complexBench(1, 1, 1536, 16)})
}

func modulatedBench(batch, length, channels, states int) bench {
	p := shaders.ModulatedScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		Stride: 1 + states + 2*channels, OffB: 1 + states, OffC: 1 + states + channels,
	}
	rows := batch * length
	c := bench{
		name:  fmt.Sprintf("B%d_L%d_E%d_N%d", batch, length, channels, states),
		bytes: 4 * (4*rows*channels + rows*4*states), // u, b, c and y; cells
		flops: rows * channels * states * 16,
	}
	scan := (*shaders.Kernels).ModulatedScan
	if length == 1 {
		scan = (*shaders.Kernels).ModulatedScanStep
		c.bytes += 4 * (p.WeightCount() + 2*batch*channels*states*2) // weights, and the state twice
	}
	c.dispatch = func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
		slots, err := firstSlots(batch, buffer)
		if err != nil {
			return nil, err
		}
		return scan(k, p, buffer(rows*channels), buffer(4*rows*states), buffer(rows*p.Stride), buffer(p.WeightCount()),
			slots, buffer(2*batch*channels*states), buffer(rows*channels))
	}
	return c
}

func BenchmarkModulatedScan(b *testing.B) {
	runAll(b, []bench{
		modulatedBench(8, 1024, 1024, 16), modulatedBench(8, 2048, 1024, 16), modulatedBench(4, 2048, 1024, 64),
		modulatedBench(4, 2048, 1024, 256),
	})
}

func BenchmarkModulatedScanStep(b *testing.B) {
	runAll(b, []bench{modulatedBench(1, 1, 1024, 16)})
}

func BenchmarkDiscretize(b *testing.B) {
	var list []bench
	for _, states := range []int{16, 256} {
		const rows = 8192
		p := shaders.DiscretizeParams{
			Rows: rows, States: states, Stride: 1 + states + 2048, OffMod: 1, Softplus: true, Modulated: true,
		}
		list = append(list, bench{
			name: fmt.Sprintf("T%d_N%d", rows, states), bytes: 4 * rows * (1 + states + 4*states), flops: 100 * rows * states,
			dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
				return k.Discretize(p, buffer(rows*p.Stride), buffer(2*states), buffer(4*rows*states))
			},
		})
	}
	runAll(b, list)
}

func BenchmarkLayerNorm(b *testing.B) {
	runAll(b, []bench{{
		name: "T2048_D2560", bytes: 8 * 2048 * 2560, flops: 8 * 2048 * 2560,
		dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) (*wgpu.Dispatch, error) {
			p := shaders.LayerNormParams{Rows: 2048, Width: 2560, Eps: 1e-5}
			return k.LayerNorm(p, buffer(2048*2560), buffer(2560), buffer(2560), buffer(2048*2560))
		},
	}})
}
