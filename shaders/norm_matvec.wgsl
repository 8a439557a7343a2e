// norm_matvec: matvec of {{.Rows}} row(s) that are normalised (rms_norm).
//
//   x = a / sqrt(mean a^2 + eps) . gain
//   c[m*ldc + off_c + n] = sum_k x[m,k] w[n,k] + bias[off_bias + n]
//
// A workgroup computes {{.Columns}} column(s) of c (include/row_dots.wgsl): {{.Lanes}} invocations
// share {{.Each}} row(s) of w. Every workgroup sums the squares; the factor is applied to
// the products' sums.
//
// In      a (m, k); gain (k); w (n, k), padded rows; bias (off_bias + n)
// Out     c (m, n) with leading dimension ldc
// Grid    ceil(n/{{.Columns}}) workgroups over x and y; {{.Threads}} invocations
// Memory  {{.Memory}} bytes: activations, then sums
// Tail    rows of w past the end repeat the last one and are not written
// Twin    cpu/norm_matvec.go
struct Params { ldc: u32, off_c: u32, off_bias: u32, eps: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<{{template "activation_type" .}}>; // (m, k)
@group(0) @binding(2) var<storage, read> gain: array<{{template "gain_type" .}}>;                              // (k)
@group(0) @binding(3) var<storage, read> w: array<vec4<u32>>;                        // (n, k)
@group(0) @binding(4) var<storage, read> bias: array<f32>;                           // (off_bias + n)
@group(0) @binding(5) var<storage, read_write> c: array<f32>;                        // (m, n)
{{template "row_blocks" .}}
{{template "row_sum" .}}
{{template "row_activation" .}}
{{template "row_gain" .}}

@compute @workgroup_size({{.Threads}})
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) grid: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let first_row = (wg.y * grid.x + wg.x) * {{.Columns}}u;
	let r = t % {{.Columns}}u;
	let m = t / {{.Columns}}u;
	let n = first_row + r;
{{- if eq .Weights "Q8"}}
	let scale = weight_scale(n);
{{- end}}
	{{template "row_dots" .}}
	if (m < {{.Rows}}u && n < {{.N}}u) {
		let sum = row_sum(r, m) * row_rms(m){{if eq .Weights "Q8"}} * scale{{end}};
		c[m * params.ldc + params.off_c + n] = sum{{if .Bias}} + bias[params.off_bias + n]{{end}};
	}
}
