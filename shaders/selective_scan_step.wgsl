// selective_scan_step: one step of selective_scan, as in decoding.
//
//   d = softplus(delta + bias)
//   h = {{if .Modulated}}(m . exp(d A)){{else}}exp(d A){{end}} . h + (d u) B
//   y = (sum_n h C + D u) silu(z)
//
// A workgroup owns 16 channels x 8 state lanes, as in selective_scan.
//
// In      u, delta (batch, channels); bc: B at off_b, C at off_c{{if .Modulated}}, m at off_m{{end}} of rows of
//         bc_stride; z at off_z of rows of z_stride; weights: A ({{if not .SharedA}}channels, {{end}}{{.States}}),
//         D (channels), bias (channels); slots (batch);
//         state (slots, channels, {{.States}})
// Out     y (batch, channels); state
// Grid    (ceil(channels/16), batch); 128 invocations
// Memory  576 bytes: 8 partial sums of 16 channels in rows of 9
// Tail    channels past the end repeat the last one and are not written
// Twin    cpu/selective_scan_step.go
struct Params { length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, off_m: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;           // (batch, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;       // (batch, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;          // (batch, bc_stride)
@group(0) @binding(4) var<storage, read> z: array<f32>;           // (batch, z_stride)
@group(0) @binding(5) var<storage, read> weights: array<f32>;     // ({{if not .SharedA}}channels, {{end}}{{.States}}), (channels), (channels)
@group(0) @binding(6) var<storage, read> slots: array<u32>;       // (batch)
@group(0) @binding(7) var<storage, read_write> state: array<f32>; // (slots, channels, {{.States}})
@group(0) @binding(8) var<storage, read_write> y: array<f32>;     // (batch, channels)
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{- if .HasZ}}
{{template "silu"}}
{{- end}}

var<workgroup> sums: array<f32, 144>; // [channel][lane], rows of 9

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
{{- template "step_place"}}
	let at = row * params.channels + channel;
	var d = delta[at];
{{- if .HasBias}}
	d += weights[{{template "scan_bias_at" .}} + channel];
{{- end}}
{{- if .Softplus}}
	d = softplus(d);
{{- end}}
	let du = d * u[at];
	let held = (slots[row] * params.channels + channel) * {{.States}}u;
	let at_bc = row * params.bc_stride;
	var sum = 0.0;
	for (var n = lane; n < {{.States}}u; n += 8u) {
		var h = du * bc[at_bc + params.off_b + n];
{{- if not .Fresh}}
		h = fma({{if .Modulated}}bc[at_bc + params.off_m + n] * {{end}}exp2(d * (weights[{{if not .SharedA}}channel * {{.States}}u + {{end}}n] * 1.442695041)), state[held + n], h);
{{- end}}
		sum = fma(h, bc[at_bc + params.off_c + n], sum);
		if (inside) {
			state[held + n] = h;
		}
	}
	sums[c * 9u + lane] = sum;
	workgroupBarrier();
	if (lane == 0u && inside) {
		let i = c * 9u;
		var out = {{template "step_sum"}};
{{- if .HasD}}
		out = fma(weights[{{template "scan_skip_at" .}} + channel], u[at], out);
{{- end}}
{{- if .HasZ}}
		out *= silu(z[row * params.z_stride + params.off_z + channel]);
{{- end}}
		y[at] = out;
	}
}
