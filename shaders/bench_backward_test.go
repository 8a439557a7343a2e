package shaders_test

import (
	"fmt"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// scanBackwardBench is the backward pass with all gradients but that of the state. A run
// scans the gradients that the one before has left in place of delta and dy, which takes no
// other time.
func scanBackwardBench(batch, length, channels, states int) bench {
	p := shaders.SelectiveScanParams{
		Batch: batch, Length: length, Channels: channels, States: states,
		BCStride: 2 * states, OffC: states, ZStride: channels,
		HasZ: true, HasD: true, HasBias: true, Softplus: true, Fresh: true,
	}
	size, cells := batch*length*channels, batch*length*2*states
	return bench{
		name:  fmt.Sprintf("B%d_L%d_E%d_N%d", batch, length, channels, states),
		bytes: 4 * (7*size + 2*cells),
		flops: size * states * 22,
		several: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
			return k.SelectiveScanBackward(p, buffer(size), buffer(size), buffer(cells), buffer(size), buffer(p.WeightCount()),
				nil, nil, buffer(size), buffer(cells), buffer(size), buffer(p.WeightCount()), nil, buffer(k.SelectiveScanBackwardScratch(p)))
		},
	}
}

func BenchmarkSelectiveScanBackward(b *testing.B) {
	runAll(b, []bench{
		scanBackwardBench(1, 512, 512, 16), scanBackwardBench(8, 1024, 1024, 16), scanBackwardBench(8, 2048, 1024, 16),
		scanBackwardBench(1, 2048, 1536, 16), scanBackwardBench(1, 65536, 1536, 16), scanBackwardBench(4, 2048, 1024, 64),
	})
}
