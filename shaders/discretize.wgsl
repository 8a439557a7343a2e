// discretize: the exact zero-order hold (arXiv 2312.00752, eq. 4) of a complex
// diagonal A that the channels share, its decay modulated by each token.
//
//   delta_t = softplus(s_t[off_delta])
//   a_t     = sigmoid(s_t[off_mod + n])
//   Abar_t  = exp(delta_t A)
//   phi_t   = (Abar_t - 1) / A
//
// In      s (rows, stride); a: A, {{if .Log}}log(-re) (states), im (states){{else}}(states): re, im{{end}}
// Out     cells (rows, states): (a_t Abar_t).re, .im, phi_t.re, .im
// Grid    an invocation a cell, spread over x and y; 64 invocations
// Tail    invocations past the last cell write nothing
// Twin    cpu/discretize.go
struct Params { rows: u32, states: u32, stride: u32, off_delta: u32, off_mod: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> s: array<f32>;                 // (rows, stride)
{{- if .Log}}
@group(0) @binding(2) var<storage, read> a: array<f32>;                 // (states), (states)
{{- else}}
@group(0) @binding(2) var<storage, read> a: array<vec2<f32>>;           // (states)
{{- end}}
@group(0) @binding(3) var<storage, read_write> cells: array<vec4<f32>>; // (rows, states)
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{template "turn"}}
{{template "complex_mul"}}
{{template "hold"}}

@compute @workgroup_size(64)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let i = (wg.y * groups.x + wg.x) * 64u + t;
	if (i >= params.rows * params.states) {
		return;
	}
	let n = i % params.states;
	let row = i / params.states * params.stride;
	let delta = {{if .Softplus}}softplus(s[row + params.off_delta]){{else}}s[row + params.off_delta]{{end}};
	var cell = hold(delta, {{if .Log}}vec2<f32>(-exp_parts(a[n]).x, a[params.states + n]){{else}}a[n]{{end}});
{{- if .Modulated}}
	let scale = 1.0 / (1.0 + exp(-s[row + params.off_mod + n]));
	cell = vec4<f32>(scale * cell.xy, cell.zw);
{{- end}}
	cells[i] = cell;
}
