// selective_scan_complex_step: one step of selective_scan_complex, as in
// decoding.
//
//   d = softplus(delta + bias)
//   h = {{if .Modulated}}(m . exp(d A)){{else}}exp(d A){{end}} . h + (d u) B
//   y = (2 Re sum_n h C + D u) silu(z)
//
// A workgroup owns 16 channels x 8 state lanes, as in selective_scan_complex.
//
// In      u, delta (batch, channels); bc: B at off_b, C at off_c of rows of
//         bc_stride, {{.States}} times re, im each{{if .Modulated}}, m at off_m, real{{end}}; z at off_z of rows of z_stride;
//         weights: A {{if .SharedA}}({{.States}}, 2){{else}}(channels, {{.States}}, 2){{end}}, D (channels), bias (channels);
//         slots (batch); state (slots, channels, {{.States}})
// Out     y (batch, channels); state
// Grid    (ceil(channels/16), batch); 128 invocations
// Memory  576 bytes: 8 partial sums of 16 channels in rows of 9
// Tail    channels past the end repeat the last one and are not written
// Twin    cpu/selective_scan_complex_step.go
struct Params { length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, off_m: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;                 // (batch, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;             // (batch, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;                // (batch, bc_stride)
@group(0) @binding(4) var<storage, read> z: array<f32>;                 // (batch, z_stride)
@group(0) @binding(5) var<storage, read> weights: array<f32>;           // {{if .SharedA}}({{.States}}, 2){{else}}(channels, {{.States}}, 2){{end}}, (channels), (channels)
@group(0) @binding(6) var<storage, read> slots: array<u32>;             // (batch)
@group(0) @binding(7) var<storage, read_write> state: array<vec2<f32>>; // (slots, channels, {{.States}})
@group(0) @binding(8) var<storage, read_write> y: array<f32>;           // (batch, channels)
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{- if .HasZ}}
{{template "silu"}}
{{- end}}
{{template "turn"}}
{{template "complex_cell"}}

var<workgroup> sums: array<f32, 144>; // [channel][lane], rows of 9

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
{{- template "step_place"}}
	let at = row * params.channels + channel;
	let after_a = {{if .SharedA}}{{mul .States 2}}u{{else}}params.channels * {{mul .States 2}}u{{end}} + channel;
	var d = delta[at];
{{- if .HasBias}}
	d += weights[after_a{{if .HasD}} + params.channels{{end}}];
{{- end}}
{{- if .Softplus}}
	d = softplus(d);
{{- end}}
	let x = u[at];
	let held = (slots[row] * params.channels + channel) * {{.States}}u;
	var sum = 0.0;
	for (var n = lane; n < {{.States}}u; n += 8u) {
		let g = cell(row * params.bc_stride, n);
		var h = d * x * g.xy;
{{- if not .Fresh}}
		let i = {{if not .SharedA}}channel * {{mul .States 2}}u + {{end}}2u * n;
		let f = {{if .Modulated}}bc[row * params.bc_stride + params.off_m + n] * {{end}}exp2(d * (weights[i] * 1.442695041)) * turn(split(d), quarters(weights[i + 1u]));
		let old = state[held + n];
		h.x = fma(f.x, old.x, fma(-f.y, old.y, h.x));
		h.y = fma(f.x, old.y, fma(f.y, old.x, h.y));
{{- end}}
		sum = fma(h.x, g.z, fma(-h.y, g.w, sum));
		if (inside) {
			state[held + n] = h;
		}
	}
	sums[c * 9u + lane] = sum;
	workgroupBarrier();
	if (lane == 0u && inside) {
		let i = c * 9u;
		var out = 2.0 * ({{template "step_sum"}});
{{- if .HasD}}
		out = fma(weights[after_a], x, out);
{{- end}}
{{- if .HasZ}}
		out *= silu(z[row * params.z_stride + params.off_z + channel]);
{{- end}}
		y[at] = out;
	}
}
