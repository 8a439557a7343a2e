//go:build cgo && wgpu29 && (linux || windows || darwin) && (amd64 || arm64)

package wgpu

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	native "github.com/oliverbestmann/webgpu/wgpu"
	"github.com/stretchr/testify/require"
)

// These benchmarks measure what this binding's compiler takes and the other's does not:
// arithmetic in 16 bits, packed products of bytes and cooperative matrices. ARCHITECTURE.md
// has the figures, and why no kernel uses any of it.

// adapterWith opens devices with features besides timestamps.
type adapterWith struct {
	*nativeAdapter
	features []native.FeatureName
}

func (a adapterWith) open(label string, limits Limits, _ bool) (driverDevice, error) {
	return a.request(label, limits, append(a.features, native.FeatureNameTimestampQuery))
}

// openWith opens the adapter that MAMBAGPU_ADAPTER names, or skips where the library does
// not give a device with these features.
func openWith(b *testing.B, features ...native.FeatureName) *Device {
	found, err := adapters(0)
	require.NoError(b, err)
	i, err := choose(found, os.Getenv("MAMBAGPU_ADAPTER"))
	require.NoError(b, err)
	for j, a := range found {
		if j != i {
			a.driver.release()
		}
	}
	a := found[i]
	a.driver = adapterWith{a.driver.(*nativeAdapter), features}
	d, err := open(a, &Options{})
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { d.Close() })
	return d
}

// measure reports the median time of one of a pass's dispatches, and the amount of work in
// it by the second. Every ten passes timed come after a quarter of a second of the same
// without gaps, for a GPU to raise its clock.
func measure(b *testing.B, d *Device, pass *Pass, amount float64, unit string) {
	var times []time.Duration
	for b.Loop() {
		for start := time.Now(); time.Since(start) < 250*time.Millisecond; {
			for range 4 {
				require.NoError(b, pass.Submit())
			}
			require.NoError(b, d.Wait())
		}
		for range 10 {
			t, err := pass.SubmitTotal()
			require.NoError(b, err)
			times = append(times, t)
		}
	}
	slices.Sort(times)
	us := float64(times[len(times)/2].Nanoseconds()) / 1e3 / float64(pass.Dispatches())
	b.ReportMetric(us, "us")
	b.ReportMetric(amount/us*1e6, unit)
}

// render is a shader from a template.
func render(b *testing.B, text string, data any) string {
	var s strings.Builder
	t := template.Must(template.New("").Funcs(template.FuncMap{
		"seq": func(n int) []int {
			list := make([]int, n)
			for i := range list {
				list[i] = i
			}
			return list
		},
	}).Parse(text))
	require.NoError(b, t.Execute(&s, data))
	return s.String()
}

// chainsSource adds up 16 sums in the registers of each invocation.
const chainsSource = `
{{.Enable}}
@group(0) @binding(0) var<uniform> params: vec4<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<{{.Type}}>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
	let x = {{.X}};
	let y = {{.Y}};
{{- range $i := seq 16}}
	var s{{$i}} = {{$.Type}}(x + {{$.One}}({{$i}}));
{{- end}}
	for (var i = 0u; i < 256u; i++) {
{{- range seq 4}}{{range $i := seq 16}}
		s{{$i}} = {{printf $.Step $i}};
{{- end}}{{end}}
	}
	var sum = {{.Type}}();
{{- range $i := seq 16}}
	sum += s{{$i}};
{{- end}}
	out[id.x] = sum;
}`

// BenchmarkArithmetic measures multiply-adds, counted as two.
func BenchmarkArithmetic(b *testing.B) {
	const groups = 2048
	for _, c := range []struct {
		name                          string
		Enable, Type, One, X, Y, Step string
		features                      []native.FeatureName
	}{
		{name: "float32", Type: "vec4<f32>", One: "f32", X: "bitcast<vec4<f32>>(params)", Y: "x * 0.5", Step: "fma(s%[1]d, x, y)"},
		{
			name: "float16", Enable: "enable f16;", Type: "vec4<f16>", One: "f16", X: "vec4<f16>(bitcast<vec4<f32>>(params))", Y: "x * f16(0.5)",
			Step: "fma(s%[1]d, x, y)", features: []native.FeatureName{native.FeatureNameShaderF16},
		},
		{name: "bytes", Type: "i32", One: "i32", X: "i32(params.x)", Y: "params.y", Step: "s%[1]d + dot4I8Packed(u32(s%[1]d), y)"},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := openWith(b, c.features...)
			p, err := d.Pipeline(c.name, render(b, chainsSource, c))
			require.NoError(b, err)
			run, err := d.NewDispatch(p, bytesOf([]float32{0.5, 0.5, 0.5, 0.5}), []*Buffer{newBuffer(b, d, "out", groups*256*16)}, [3]uint32{groups, 1, 1})
			require.NoError(b, err)
			pass := d.NewPass(c.name)
			pass.Dispatch(run, run, run)
			measure(b, d, pass, groups*256*256*4*16*8/1e12, "Top/s")
		})
	}
}

// bytesSource is the product of a row of k activations and n rows of k weights, which are
// bytes. 32 invocations share two rows of weights. Activations are bytes too, or float32.
const bytesSource = `
@group(0) @binding(0) var<uniform> params: vec4<u32>; // n, k / 16
@group(0) @binding(1) var<storage, read> a: array<vec4<{{if .Packed}}u32{{else}}f32{{end}}>>; // (k)
@group(0) @binding(2) var<storage, read> w: array<vec4<u32>>; // (n, k)
@group(0) @binding(3) var<storage, read_write> c: array<{{.Sum}}>; // (n)
var<workgroup> sums: array<{{.Sum}}, 512>; // [row][lane]
{{- if .Packed}}

fn products(block: vec4<u32>, at: u32) -> i32 {
	let x = a[at];
	return dot4I8Packed(block.x, x.x) + dot4I8Packed(block.y, x.y) + dot4I8Packed(block.z, x.z) + dot4I8Packed(block.w, x.w);
}
{{- else}}

// bytes is what signed bytes are, as include/weights.wgsl of the kernels does it.
fn bytes(word: u32) -> vec4<f32> {
	let even = unpack2x16float(((word << 2u) & 0x03fc03fcu) ^ 0x5e005e00u);
	let odd = unpack2x16float(((word >> 6u) & 0x03fc03fcu) ^ 0x5e005e00u);
	return vec4<f32>(even.x, odd.x, even.y, odd.y) - vec4<f32>(384.0);
}

fn products(block: vec4<u32>, at: u32) -> f32 {
	let s = bytes(block.x) * a[4u * at] + bytes(block.y) * a[4u * at + 1u] + bytes(block.z) * a[4u * at + 2u] + bytes(block.w) * a[4u * at + 3u];
	return (s.x + s.y) + (s.z + s.w);
}
{{- end}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let lane = t % 32u;
	let row = t / 32u * 2u;
	let first = min(wg.x * 16u + row, params.x - 2u) * params.y;
{{- range $i := seq .Blocks}}
	let w0_{{$i}} = w[first + lane + 32u * {{$i}}u];
	let w1_{{$i}} = w[first + params.y + lane + 32u * {{$i}}u];
{{- end}}
	sums[row * 32u + lane] = {{range $i := seq .Blocks}}{{if $i}} + {{end}}products(w0_{{$i}}, lane + 32u * {{$i}}u){{end}};
	sums[row * 32u + 32u + lane] = {{range $i := seq .Blocks}}{{if $i}} + {{end}}products(w1_{{$i}}, lane + 32u * {{$i}}u){{end}};
	workgroupBarrier();
	if (t < 16u && wg.x * 16u + t < params.x) {
		var sum = {{.Sum}}();
		for (var i = 0u; i < 32u; i++) {
			sum += sums[t * 32u + (i + t) % 32u];
		}
		c[wg.x * 16u + t] = sum;
	}
}`

// BenchmarkBytes measures products with weights of one byte, out of memory and not out of
// a cache: each dispatch has weights of its own. Scales are left out.
func BenchmarkBytes(b *testing.B) {
	for _, shape := range [][2]int{{10240, 2560}, {2560, 5120}} {
		for _, packed := range []bool{false, true} {
			n, k := shape[0], shape[1]
			name := fmt.Sprintf("(1,%d,%d)/activations=float32", n, k)
			kind := struct {
				Packed bool
				Sum    string
				Blocks int
			}{packed, "f32", k / 16 / 32}
			if packed {
				name, kind.Sum = fmt.Sprintf("(1,%d,%d)/activations=bytes", n, k), "i32"
			}
			b.Run(name, func(b *testing.B) {
				d := openTest(b, nil)
				p, err := d.Pipeline(name, render(b, bytesSource, kind))
				require.NoError(b, err)
				params := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(n)), uint32(k/16))
				a, c := newBuffer(b, d, "a", 4*k), newBuffer(b, d, "c", 4*n)
				pass := d.NewPass(name)
				for range 32 {
					w := newBuffer(b, d, "w", n*k)
					run, err := d.NewDispatch(p, append(params, make([]byte, 8)...), []*Buffer{a, w, c}, [3]uint32{uint32(n+15) / 16, 1, 1})
					require.NoError(b, err)
					pass.Dispatch(run)
				}
				measure(b, d, pass, float64(n*k)/1e9, "GB/s")
			})
		}
	}
}
