// matmul_sum: the end of a matrix product whose sums were split: adds the parts in
// their order.
//
//   x[m,n] = sum_z parts[z,m,n]
//   c[m*ldc + off_c + n] = act(x[m,n] + bias[off_bias + n]) + c[m*ldc + off_c + n]
//
// where act is {{if .SiLU}}silu{{else}}the identity{{end}}; there {{if .Bias}}is a bias{{else}}is no bias{{end}}, and {{if .Add}}c is added to{{else}}the old c is not read{{end}}.
//
// In      parts (count, m, n); bias (off_bias + n)
// Out     c (m, n) with leading dimension ldc
// Grid    ceil(m n/128) workgroups over x and y; 128 invocations, an element each
// Memory  none
// Tail    invocations past the end do nothing
// Twin    cpu/matmul_sum.go
struct Params { m: u32, n: u32, count: u32, ldc: u32, off_c: u32, off_bias: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;   // (count, m, n)
@group(0) @binding(2) var<storage, read> bias: array<f32>;    // (off_bias + n)
@group(0) @binding(3) var<storage, read_write> c: array<f32>; // (m, n)

@compute @workgroup_size(128)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let i = (wg.y * groups.x + wg.x) * 128u + t;
	let all = params.m * params.n;
	if (i >= all) {
		return;
	}
	var x = 0.0;
	var z = 0u;
	for (; z + 7u < params.count; z += 8u) { // eight loads on their way at a time
{{- range $j := seq 8}}
		let p{{$j}} = parts[(z + {{$j}}u) * all + i];
{{- end}}
		x = (((((((x + p0) + p1) + p2) + p3) + p4) + p5) + p6) + p7;
	}
	for (; z < params.count; z++) {
		x += parts[z * all + i];
	}
	let m = i / params.n;
	let n = i % params.n;
	let at = m * params.ldc + params.off_c + n;
{{- if .Bias}}
	x += bias[params.off_bias + n];
{{- end}}
{{- if .SiLU}}
	x /= 1.0 + exp(-x);
{{- end}}
{{- if .Add}}
	x += c[at];
{{- end}}
	c[at] = x;
}
