package shaders_test

import (
	"fmt"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

func BenchmarkSelectiveScanComplexBackward(b *testing.B) {
	var list []trainBench
	for _, s := range [][4]int{{1, 512, 512, 16}, {8, 2048, 1024, 16}, {4, 2048, 1024, 64}} {
		p := shaders.ComplexScanParams{
			Batch: s[0], Length: s[1], Channels: s[2], States: s[3], BCStride: 4 * s[3], OffC: 2 * s[3], ZStride: s[2],
			HasZ: true, HasD: true, HasBias: true, Softplus: true, Fresh: true,
		}
		rows := p.Batch * p.Length
		list = append(list, trainBench{
			name:  fmt.Sprintf("B%d_L%d_E%d_N%d", s[0], s[1], s[2], s[3]),
			bytes: 4 * (7*rows*p.Channels + 2*rows*p.BCStride),
			dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
				n := rows * p.Channels
				return k.SelectiveScanComplexBackward(p, buffer(n), buffer(n), buffer(rows*p.BCStride), buffer(n), buffer(p.WeightCount()), nil, nil,
					buffer(n), buffer(rows*p.BCStride), buffer(n), buffer(p.WeightCount()), nil, buffer(k.SelectiveScanComplexBackwardScratch(p)))
			},
		})
	}
	runTraining(b, list...)
}

func BenchmarkModulatedScanBackward(b *testing.B) {
	var list []trainBench
	for _, s := range [][4]int{{8, 1024, 1024, 16}, {8, 2048, 1024, 16}, {4, 2048, 1024, 64}, {4, 1024, 1024, 256}} {
		p := shaders.ModulatedScanParams{
			Batch: s[0], Length: s[1], Channels: s[2], States: s[3], Fresh: true,
			Stride: 1 + s[3] + 2*s[2], OffB: 1 + s[3], OffC: 1 + s[3] + s[2],
		}
		rows := p.Batch * p.Length
		list = append(list, trainBench{
			name:  fmt.Sprintf("B%d_L%d_E%d_N%d", s[0], s[1], s[2], s[3]),
			bytes: 4 * (7*rows*p.Channels + 8*rows*p.States),
			dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
				n := rows * p.Channels
				return k.ModulatedScanBackward(p, buffer(n), buffer(4*rows*p.States), buffer(rows*p.Stride), buffer(p.WeightCount()), nil, nil,
					buffer(n), buffer(4*rows*p.States), buffer(rows*p.Stride), buffer(p.WeightCount()), nil, buffer(k.ModulatedScanBackwardScratch(p)))
			},
		})
	}
	runTraining(b, list...)
}

func BenchmarkDiscretizeBackward(b *testing.B) {
	var list []trainBench
	for _, states := range []int{16, 256} {
		const rows = 8192
		p := shaders.DiscretizeParams{
			Rows: rows, States: states, Stride: 1 + states + 2048, OffMod: 1, Softplus: true, Modulated: true, Log: true,
		}
		list = append(list, trainBench{
			name: fmt.Sprintf("T%d_N%d", rows, states), bytes: 4 * rows * (2 + 2*states + 4*states),
			dispatch: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
				return k.DiscretizeBackward(p, buffer(rows*p.Stride), buffer(2*states), buffer(4*rows*states), buffer(rows*p.Stride),
					buffer(2*states), buffer(k.DiscretizeBackwardScratch(p)))
			},
		})
	}
	runTraining(b, list...)
}
