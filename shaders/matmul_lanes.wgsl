// matmul_lanes: the product of matmul for some rows of a, as of many sequences' steps.
//
//   c[m*ldc + off_c + n] = sum_k a[m,k] w[n,k]{{if .Bias}} + bias[off_bias + n]{{end}}{{if .Add}} + c[m*ldc + off_c + n]{{end}}
//
// A workgroup computes a tile of c ({{.Rows}} x {{.Columns}}), an invocation {{.M}} x {{.N}} sums over a
// share of k; {{.Lanes}} of them share them (include/lane_sums.wgsl).
//
// In      a (m, k) with leading dimension {{.LDA}}, at {{.OffA}}; w (n, k), padded rows; bias (off_bias + n)
// Out     c (m, n) with leading dimension ldc
// Grid    (ceil(n/{{.Columns}}), ceil(m/{{.Rows}})); {{.Invocations}} invocations
// Memory  {{.Memory}} bytes
// Tail    rows and columns past the end repeat the last one and are not written; quads past
//         k count as zero
// Twin    cpu/matmul_lanes.go
struct Params { m: u32, ldc: u32, off_c: u32, off_bias: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>; // (m, k)
@group(0) @binding(2) var<storage, read> w: array<{{template "lane_type" .}}>; // (n, k)
@group(0) @binding(3) var<storage, read> bias: array<f32>;    // (off_bias + n)
@group(0) @binding(4) var<storage, read_write> c: array<f32>; // (m, n)
{{template "lane_memory" .}}

fn ended(m: u32, n: u32, i: u32, sum: f32) {
	let at = m * params.ldc + params.off_c + n;
	c[at] = sum{{if eq .Weights "Q8"}} * lane_row_scale(n){{end}}{{if .Bias}} + bias[params.off_bias + n]{{end}}{{if .Add}} + c[at]{{end}};
}

@compute @workgroup_size({{.Invocations}})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	{{template "lane_sums" .}}
	{{template "lane_ends" .}}
}
