package shaders_test

import (
	"fmt"
	"testing"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// gradientBenches are the products of the backward pass of tokens rows through a
// matrix from in to out columns.
func gradientBenches(tokens, in, out int) []bench {
	x := shaders.MatmulParams{M: tokens, N: in, K: out, LDA: out, LDW: in, LDC: in, TransW: true}
	w := shaders.MatmulParams{M: out, N: in, K: tokens, LDA: out, LDW: in, LDC: in, TransA: true, TransW: true, Add: true}
	return []bench{splitBench("x", x), splitBench("w", w)}
}

func splitBench(gradient string, p shaders.MatmulParams) bench {
	return bench{
		name:  fmt.Sprintf("%s_M%d_N%d_K%d", gradient, p.M, p.N, p.K),
		bytes: 4 * (p.M*p.K + p.N*p.K + p.M*p.N),
		flops: 2 * p.M * p.N * p.K,
		several: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
			return k.MatmulSplit(p, buffer(p.M*p.K), buffer(p.N*p.K), nil, buffer(max(1, k.MatmulScratch(p))), buffer(p.M*p.N))
		},
	}
}

func BenchmarkMatmulGradients(b *testing.B) {
	var list []bench
	for _, s := range [][3]int{{32768, 256, 1024}, {32768, 512, 48}, {32768, 16, 512}, {32768, 512, 256}, {8192, 256, 4096}} {
		list = append(list, gradientBenches(s[0], s[1], s[2])...)
	}
	runAll(b, list)
}

func BenchmarkColumnSums(b *testing.B) {
	var list []bench
	for _, columns := range []int{256, 1024} {
		p := shaders.ColumnSumsParams{Rows: 32768, Columns: columns, Stride: columns}
		list = append(list, bench{
			name: fmt.Sprintf("R%d_C%d", p.Rows, columns), bytes: 4 * p.Rows * columns, flops: p.Rows * columns,
			several: func(k *shaders.Kernels, buffer func(int) *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
				return k.ColumnSums(p, buffer(p.Rows*columns), buffer(max(1, k.ColumnSumsScratch(p))), buffer(columns))
			},
		})
	}
	runAll(b, list)
}
