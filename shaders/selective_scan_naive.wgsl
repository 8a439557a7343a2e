// selective_scan_naive: selective_scan in its simplest form.
//
//   d_t = softplus(delta_t + bias)
//   h_t = exp(d_t A) . h_{t-1} + (d_t u_t) B_t
//   y_t = (sum_n h_t C_t + D u_t) silu(z_t)
//
// An invocation walks time with all states of one channel in an array of its
// own. Nothing is shared: B and C are read by every channel.
//
// In      as selective_scan
// Out     y (batch, length, channels); state
// Grid    (ceil(channels/64), batch); 64 invocations
// Memory  none
// Tail    invocations past the last channel do nothing
// Twin    cpu/selective_scan_naive.go
struct Params { length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;           // (batch, length, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;       // (batch, length, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;          // (batch, length, bc_stride)
@group(0) @binding(4) var<storage, read> z: array<f32>;           // (batch, length, z_stride)
@group(0) @binding(5) var<storage, read> weights: array<f32>;     // (channels, {{.States}}), (channels), (channels)
@group(0) @binding(6) var<storage, read> slots: array<u32>;       // (batch)
@group(0) @binding(7) var<storage, read_write> state: array<f32>; // (slots, channels, {{.States}})
@group(0) @binding(8) var<storage, read_write> y: array<f32>;     // (batch, length, channels)
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{- if .HasZ}}
{{template "silu"}}
{{- end}}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wg: vec3<u32>) {
	let channel = id.x;
	if (channel >= params.channels) {
		return;
	}
	let held = (slots[wg.y] * params.channels + channel) * {{.States}}u;
	let a = channel * {{.States}}u;
	let after_a = params.channels * {{.States}}u + channel;
	var h: array<f32, {{.States}}>;
	for (var n = 0u; n < {{.States}}u; n++) {
		h[n] = {{if .Fresh}}0.0{{else}}state[held + n]{{end}};
	}
	for (var row = wg.y * params.length; row < (wg.y + 1u) * params.length; row++) {
		let x = u[row * params.channels + channel];
		var d = delta[row * params.channels + channel];
{{- if .HasBias}}
		d += weights[after_a{{if .HasD}} + params.channels{{end}}];
{{- end}}
{{- if .Softplus}}
		d = softplus(d);
{{- end}}
		var sum = 0.0;
		for (var n = 0u; n < {{.States}}u; n++) {
			let at = row * params.bc_stride + n;
			h[n] = fma(exp2(d * (weights[a + n] * 1.442695041)), h[n], d * x * bc[at + params.off_b]);
			sum = fma(h[n], bc[at + params.off_c], sum);
		}
{{- if .HasD}}
		sum = fma(weights[after_a], x, sum);
{{- end}}
{{- if .HasZ}}
		sum *= silu(z[row * params.z_stride + params.off_z + channel]);
{{- end}}
		y[row * params.channels + channel] = sum;
	}
	for (var n = 0u; n < {{.States}}u; n++) {
		state[held + n] = h[n];
	}
}
