//go:build cgo && wgpu29 && (linux || windows || darwin) && (amd64 || arm64)

package wgpu

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	native "github.com/oliverbestmann/webgpu/wgpu"
	"github.com/stretchr/testify/require"
)

// cooperativeSource is c (m, n) = a (m, k) w (n, k) by cooperative matrices of 16 x 16, with
// a and c in float32, w in float16 and sums in float32. m and n are multiples of 128 and k
// of 32.
//
// A workgroup of four subgroups of 32 has a tile of 128 x 128, a subgroup a quarter of it. a is
// rounded to float16 on the way to workgroup memory, or split into a number with the upper
// 11 bits and one with the rest, whose products are added to the same sum.
//
// The compiler of this binding forgets to evaluate what stands in the place of an argument of
// coopStoreT: it has to have a name.
const cooperativeSource = `
enable f16;
enable wgpu_cooperative_matrix;
@group(0) @binding(0) var<uniform> params: vec4<u32>; // m, n, k
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec4<f16>>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

// Rows of 32 and 8 more, for neighbouring rows to lie in different banks.
var<workgroup> tile_a: array<vec4<f16>, 1280>;
var<workgroup> tile_w: array<vec4<f16>, 1280>;
{{- if .Split}}
var<workgroup> rest_a: array<vec4<f16>, 1280>;
{{- end}}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let quads = params.z / 4u;
	let row = t / 8u; // and every 16th after it
	let quad = t % 8u;
	let m = t / 64u * 64u; // the subgroup's rows and columns
	let n = t / 32u % 2u * 64u;
{{- range $i := seq 4}}{{range $j := seq 4}}
	var sum{{$i}}_{{$j}} = coop_mat16x16<f32, C>();
{{- end}}{{end}}
{{- range $i := seq 8}}
	let at_a{{$i}} = (wg.y * 128u + {{$i}}u * 16u + row) * quads + quad;
	var a{{$i}} = a[at_a{{$i}}];
{{- end}}
{{- range $i := seq 8}}
	let at_w{{$i}} = (wg.x * 128u + {{$i}}u * 16u + row) * quads + quad;
	var w{{$i}} = w[at_w{{$i}}];
{{- end}}
	for (var q = 0u; q < quads; q += 8u) {
		workgroupBarrier();
{{- range $i := seq 8}}
{{- if $.Split}}
		let upper{{$i}} = bitcast<vec4<f32>>(bitcast<vec4<u32>>(a{{$i}}) & vec4<u32>(0xffffe000u));
		tile_a[({{$i}}u * 16u + row) * 10u + quad] = vec4<f16>(upper{{$i}});
		rest_a[({{$i}}u * 16u + row) * 10u + quad] = vec4<f16>(a{{$i}} - upper{{$i}});
{{- else}}
		tile_a[({{$i}}u * 16u + row) * 10u + quad] = vec4<f16>(a{{$i}});
{{- end}}
{{- end}}
{{- range $i := seq 8}}
		tile_w[({{$i}}u * 16u + row) * 10u + quad] = w{{$i}};
{{- end}}
		workgroupBarrier();
		let next = min(q + 8u, quads - 8u);
{{- range $i := seq 8}}
		a{{$i}} = a[at_a{{$i}} + next];
{{- end}}
{{- range $i := seq 8}}
		w{{$i}} = w[at_w{{$i}} + next];
{{- end}}
{{- range $k := seq 2}}
		{
{{- range $j := seq 4}}
			let y{{$j}} = coopLoad<coop_mat16x16<f16, B>>(&tile_w[(n + {{$j}}u * 16u) * 10u + {{$k}}u * 4u], 10u);
{{- end}}
{{- range $i := seq 4}}
			let x{{$i}} = coopLoadT<coop_mat16x16<f16, A>>(&tile_a[(m + {{$i}}u * 16u) * 10u + {{$k}}u * 4u], 10u);
{{- if $.Split}}
			let rest{{$i}} = coopLoadT<coop_mat16x16<f16, A>>(&rest_a[(m + {{$i}}u * 16u) * 10u + {{$k}}u * 4u], 10u);
{{- end}}
{{- range $j := seq 4}}
{{- if $.Split}}
			sum{{$i}}_{{$j}} = coopMultiplyAdd(rest{{$i}}, y{{$j}}, sum{{$i}}_{{$j}});
{{- end}}
			sum{{$i}}_{{$j}} = coopMultiplyAdd(x{{$i}}, y{{$j}}, sum{{$i}}_{{$j}});
{{- end}}
{{- end}}
		}
{{- end}}
	}
	let stride = params.y;
{{- range $i := seq 4}}{{range $j := seq 4}}
	let at{{$i}}_{{$j}} = (wg.y * 128u + m + {{$i}}u * 16u) * stride + wg.x * 128u + n + {{$j}}u * 16u;
	coopStoreT(sum{{$i}}_{{$j}}, &c[at{{$i}}_{{$j}}], stride);
{{- end}}{{end}}
}`

// BenchmarkCooperative measures products by cooperative matrices. "error" is the root mean
// square of what some elements of c are off by, as a share of that of c. It is skipped
// without the build tag experiments, since the library refuses the feature then.
func BenchmarkCooperative(b *testing.B) {
	for _, shape := range [][3]int{{2048, 3072, 768}, {2048, 5120, 2560}, {4096, 4096, 4096}} {
		for _, kind := range []struct{ Split bool }{{false}, {true}} {
			m, n, k := shape[0], shape[1], shape[2]
			name := fmt.Sprintf("(%d,%d,%d)/split=%v", m, n, k, kind.Split)
			b.Run(name, func(b *testing.B) {
				d := openWith(b, native.FeatureNameShaderF16, native.NativeFeatureCooperativeMatrix)
				p, err := d.Pipeline(name, render(b, cooperativeSource, kind))
				require.NoError(b, err)
				a, w, c := newBuffer(b, d, "a", 4*m*k), newBuffer(b, d, "w", 2*n*k), newBuffer(b, d, "c", 4*m*n)
				exact := fillProduct(b, a, w, m, n, k)
				var params []byte
				for _, size := range []int{m, n, k, 0} {
					params = binary.LittleEndian.AppendUint32(params, uint32(size))
				}
				run, err := d.NewDispatch(p, params, []*Buffer{a, w, c}, [3]uint32{uint32(n / 128), uint32(m / 128), 1})
				require.NoError(b, err)
				pass := d.NewPass(name)
				for range 1 + (1<<37)/(m*n*k) {
					pass.Dispatch(run)
				}
				measure(b, d, pass, 2*float64(m)*float64(n)*float64(k)/1e12, "TFLOP/s")
				b.ReportMetric(errorOf(b, c, exact), "error")
			})
		}
	}
}

// fillProduct gives a normal numbers and w float16 between -0.06 and 0.06, and returns some
// elements of their product, by where they are in c.
func fillProduct(b *testing.B, a, w *Buffer, m, n, k int) map[int]float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	x, y, words := make([]float32, m*k), make([]float64, n*k), make([]uint32, n*k/2)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	for i := range y {
		bits := 0x2800 | rng.Uint32N(1<<10) | rng.Uint32N(2)<<15 // 2^-5 and more, of either sign
		words[i/2] |= bits << (16 * (i % 2))
		y[i] = math.Ldexp(float64(1<<10|bits&0x3ff), -15) * (1 - 2*float64(bits>>15))
	}
	require.NoError(b, Upload(a, 0, x))
	require.NoError(b, Upload(w, 0, words))
	exact := map[int]float64{}
	for range 400 {
		row, column, sum := rng.IntN(m), rng.IntN(n), 0.0
		for i := range k {
			sum += float64(x[row*k+i]) * y[column*k+i]
		}
		exact[row*n+column] = sum
	}
	return exact
}

func errorOf(b *testing.B, c *Buffer, exact map[int]float64) float64 {
	got := make([]float32, c.Size()/4)
	require.NoError(b, Download(c, 0, got))
	var off, all float64
	for i, want := range exact {
		off += (float64(got[i]) - want) * (float64(got[i]) - want)
		all += want * want
	}
	return math.Sqrt(off / all)
}
