// selective_scan_tiled: selective_scan with shared tiles and without overlap.
//
//   d_t = softplus(delta_t + bias)
//   h_t = exp(d_t A) . h_{t-1} + (d_t u_t) B_t
//   y_t = (sum_n h_t C_t + D u_t) silu(z_t)
//
// A workgroup owns 16 channels x 8 state lanes and walks time in tiles of
// {{.Steps}} steps: all invocations load a tile into workgroup memory, wait, compute it
// from there, wait, and sum and write its y. A lane keeps {{.PerLane}} state(s) of its
// channel in registers.
//
// In      as selective_scan
// Out     y (batch, length, channels); state
// Grid    (ceil(channels/16), batch); 128 invocations
// Memory  {{.Memory}} bytes
// Tail    a step past the end is the identity (d = 0), loaded from the last one;
//         channels past the end repeat the last one; neither is written
// Twin    cpu/selective_scan_tiled.go
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

var<workgroup> ds: array<f32, {{mul .Steps 16}}>;                // [step][channel]
var<workgroup> dus: array<f32, {{mul .Steps 16}}>;               // [step][channel]
var<workgroup> bs: array<f32, {{mul .Steps .States}}>;                // [step][state]
var<workgroup> cs: array<f32, {{mul .Steps .States}}>;                // [step][state]
var<workgroup> parts: array<f32, {{mul .Steps 144}}>; // [step][channel][lane], rows of 9

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let row0 = wg.y * params.length;
	let last = params.length - 1u;
	let lane = t % 8u;
	let c = t / 8u;
	let channel = min(wg.x * 16u + c, params.channels - 1u);
	let held = (slots[wg.y] * params.channels + channel) * {{.States}}u + lane;
	let after_a = params.channels * {{.States}}u;
{{- range $j := seq .PerLane}}
	var h{{$j}} = 0.0;
	var a{{$j}} = 0.0;
	if (lane + {{mul $j 8}}u < {{$.States}}u) {
		a{{$j}} = weights[channel * {{$.States}}u + lane + {{mul $j 8}}u] * 1.442695041;
{{- if not $.Fresh}}
		h{{$j}} = state[held + {{mul $j 8}}u];
{{- end}}
	}
{{- end}}
	for (var k = 0u; k < params.length; k += {{.Steps}}u) {
		// Load.
		for (var i = t; i < {{mul .Steps 16}}u; i += 128u) {
			let column = min(wg.x * 16u + i % 16u, params.channels - 1u);
			let at = (row0 + min(k + i / 16u, last)) * params.channels + column;
			var d = delta[at];
{{- if .HasBias}}
			d += weights[after_a{{if .HasD}} + params.channels{{end}} + column];
{{- end}}
			d = select(0.0, {{if .Softplus}}softplus(d){{else}}d{{end}}, k + i / 16u <= last);
			ds[i] = d;
			dus[i] = d * u[at];
		}
		for (var i = t; i < {{mul .Steps .States}}u; i += 128u) {
			let at = (row0 + min(k + i / {{.States}}u, last)) * params.bc_stride + i % {{.States}}u;
			bs[i] = bc[at + params.off_b];
			cs[i] = bc[at + params.off_c];
		}
		workgroupBarrier();

		// Compute.
		for (var s = 0u; s < {{.Steps}}u; s++) {
			let d = ds[s * 16u + c];
			let du = dus[s * 16u + c];
			let at = s * {{.States}}u + lane;
			var sum = 0.0;
{{- range $j := seq .PerLane}}
			if (lane + {{mul $j 8}}u < {{$.States}}u) {
				h{{$j}} = fma(exp2(d * a{{$j}}), h{{$j}}, du * bs[at + {{mul $j 8}}u]);
				sum = fma(h{{$j}}, cs[at + {{mul $j 8}}u], sum);
			}
{{- end}}
			parts[(s * 16u + c) * 9u + lane] = sum;
		}
		workgroupBarrier();

		// Sum and write.
		for (var i = t; i < {{mul .Steps 16}}u; i += 128u) {
			let column = wg.x * 16u + i % 16u;
			if (column < params.channels && k + i / 16u <= last) {
				let row = row0 + k + i / 16u;
				let p = i * 9u;
				var sum = ((parts[p] + parts[p + 1u]) + (parts[p + 2u] + parts[p + 3u]))
					+ ((parts[p + 4u] + parts[p + 5u]) + (parts[p + 6u] + parts[p + 7u]));
{{- if .HasD}}
				sum = fma(weights[after_a + column], u[row * params.channels + column], sum);
{{- end}}
{{- if .HasZ}}
				sum *= silu(z[row * params.z_stride + params.off_z + column]);
{{- end}}
				y[row * params.channels + column] = sum;
			}
		}
	}
	if (wg.x * 16u + c < params.channels) {
{{- range $j := seq .PerLane}}
		if (lane + {{mul $j 8}}u < {{$.States}}u) {
			state[held + {{mul $j 8}}u] = h{{$j}};
		}
{{- end}}
	}
}
