// modulated_scan_step: one step of modulated_scan, as in decoding.
//
//   h = (a . Abar) . h + (phi . B + b) u
//   y = 2 Re sum_n (C + c) h + D u
//
// A workgroup owns 16 channels x 8 state lanes, as in modulated_scan.
//
// In      u (batch, channels); cells (batch, {{.States}}); s: b at off_b, c at off_c of
//         rows of stride; weights: B (channels, {{.States}}), C (channels, {{.States}}),
//         D (channels); slots (batch); state (slots, channels, {{.States}})
// Out     y (batch, channels); state
// Grid    (ceil(channels/16), batch); 128 invocations
// Memory  576 bytes: 8 partial sums of 16 channels in rows of 9
// Tail    channels past the end repeat the last one and are not written
// Twin    cpu/modulated_scan_step.go
struct Params { length: u32, channels: u32, stride: u32, off_b: u32, off_c: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;                 // (batch, channels)
@group(0) @binding(2) var<storage, read> cells: array<vec4<f32>>;       // (batch, {{.States}})
@group(0) @binding(3) var<storage, read> s: array<f32>;                 // (batch, stride)
@group(0) @binding(4) var<storage, read> weights: array<f32>;           // (channels, {{.States}}), (channels, {{.States}}), (channels)
@group(0) @binding(5) var<storage, read> slots: array<u32>;             // (batch)
@group(0) @binding(6) var<storage, read_write> state: array<vec2<f32>>; // (slots, channels, {{.States}})
@group(0) @binding(7) var<storage, read_write> y: array<f32>;           // (batch, channels)

var<workgroup> sums: array<f32, 144>; // [channel][lane], rows of 9

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
{{- template "step_place"}}
	let x = u[row * params.channels + channel];
	let mod_b = s[row * params.stride + params.off_b + channel];
	let mod_c = s[row * params.stride + params.off_c + channel];
	let held = (slots[row] * params.channels + channel) * {{.States}}u;
	let all = params.channels * {{.States}}u;
	var sum = 0.0;
	for (var n = lane; n < {{.States}}u; n += 8u) {
		let cell = cells[row * {{.States}}u + n];
		let v = weights[channel * {{.States}}u + n] * x;
		var h = vec2<f32>(fma(cell.z, v, mod_b * x), cell.w * v);
{{- if not .Fresh}}
		let old = state[held + n];
		h.x = fma(cell.x, old.x, fma(-cell.y, old.y, h.x));
		h.y = fma(cell.x, old.y, fma(cell.y, old.x, h.y));
{{- end}}
		sum = fma(weights[all + channel * {{.States}}u + n] + mod_c, h.x, sum);
		if (inside) {
			state[held + n] = h;
		}
	}
	sums[c * 9u + lane] = sum;
	workgroupBarrier();
	if (lane == 0u && inside) {
		let i = c * 9u;
		let total = {{template "step_sum"}};
		y[row * params.channels + channel] = fma(weights[2u * all + channel], x, 2.0 * total);
	}
}
