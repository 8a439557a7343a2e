// out_proj_step: the last part of a layer's step after scan_gate_step.
//
//   c[m,n] += sum_k y[m,k] gate[m,k] w[n,k]{{if .Next}}
//   next = c . gain, then sums of c's squares{{end}}
//
// A workgroup computes {{.Columns}} column(s) of c (include/row_held.wgsl): {{.Lanes}} invocations
// share {{.Each}} row(s) of w.
//
// In      yz (rows, 2, k): y, then the gate, as planes; w, W_out (n, k){{if .Next}}; gain (n){{end}}
// Out     c (rows, n){{if .Next}}; next (n), as planes, (sums){{end}}
// Grid    ceil(n/{{.Columns}}) workgroups over x and y; {{.Threads}} invocations
// Memory  {{.Memory}} bytes: partial sums
// Tail    rows of w past the end repeat the last one and are not written
// Twin    cpu/out_proj_step.go
struct Params { width: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> yz: array<vec4<f32>>; // (rows, 2, {{.K}})
@group(0) @binding(2) var<storage, read> w: array<vec4<u32>>;  // (n, {{.K}})
@group(0) @binding(3) var<storage, read_write> c: array<f32>;  // (rows, {{.N}})
{{- if .Next}}
@group(0) @binding(4) var<storage, read> gain: array<f32>;     // ({{.N}})
@group(0) @binding(5) var<storage, read_write> next: array<f32>; // ({{.N}}), (sums)
{{- end}}
{{template "row_blocks" .}}
{{template "row_sum" .}}

// activation is a quad of row m, gated.
fn activation(m: u32, q: u32) -> vec4<f32> {
	let i = m * {{div .K 2}}u + q;
	return yz[i] * yz[i + {{div .K 4}}u];
}

{{- if .Next}}

// plane is the place of element n of a row that is read as planes.
fn plane(n: u32) -> u32 {
	return (n / 4u % {{.NextPlanes}}u * {{div .N (mul 4 .NextPlanes)}}u + n / {{mul 4 .NextPlanes}}u) * 4u + n % 4u;
}
{{- end}}

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
	let i = m * params.width + n;
	let owns = m < {{.Rows}}u && n < {{.N}}u;
	var v = 0.0;
{{- if .Next}}
	var scaled = 0.0;
{{- end}}
	if (owns) {
		v = c[i];
{{- if .Next}}
		scaled = gain[n];
{{- end}}
	}
{{- if eq .Weights "Q8"}}
	let scale = weight_scale(n);
{{- end}}
	{{template "row_dots" .}}
	if (owns) {
		v += row_sum(r, m){{if eq .Weights "Q8"}} * scale{{end}};
		c[i] = v;
{{- if .Next}}
		next[plane(n)] = v * scaled;
{{- end}}
	}
{{- if .Next}}
	if (t < {{.Columns}}u) {
		pool[t / 4u][t % 4u] = select(0.0, v * v, owns);
	}
	workgroupBarrier();
	if (t < {{.Sets}}u && first_row + t * {{.Each}}u < {{.N}}u) {
		var sum = 0.0;
{{- range $j := seq .Each}}
		sum += pool[(t * {{$.Each}}u + {{$j}}u) / 4u][(t * {{$.Each}}u + {{$j}}u) % 4u];
{{- end}}
		next[{{.N}}u + first_row / {{.Each}}u + t] = sum;
	}
{{- end}}
}
