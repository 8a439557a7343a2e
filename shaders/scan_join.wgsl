// scan_join: the states before each chunk of a selective scan and the gradients of those
// after it, from what scan_ends left of the chunks, the second stage of its backward pass:
//
//   h before chunk c+1 = exp(A sum of d in c) . h before c + what c makes of zero
//   g after chunk c-1  = exp(A sum of d in c) . g after c + what c makes of zero
//
// An invocation walks the chunks of one channel and state, forwards for h or backwards for
// g, and replaces what it reads{{if .Wanted}}; the last g is the gradient of the initial state{{end}}.
//
// In      weights: A ({{if not .SharedA}}channels, {{end}}states); scratch{{if not .Fresh}}; slots (batch);
//         state (slots, channels, states){{end}}
// Out     scratch: states and grads (chunks, batch, {{.Block}}, channels){{if .Wanted}}; dstate (batch, channels, states){{end}}
// Grid    (ceil(channels/64), batch, 2 x {{.States}} states); 64 invocations
// Tail    channels past the end do nothing
// Twin    cpu/scan_join.go
struct Params { batch: u32, length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, first_state: u32, chunk: u32, grads: u32, sums: u32, rows: u32, decays: u32, rest: u32, totals: u32, states: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;       // ({{if not .SharedA}}channels, {{end}}states)
@group(0) @binding(2) var<storage, read_write> scratch: array<f32>; // ScanBlockParams
{{- if not .Fresh}}
@group(0) @binding(3) var<storage, read> slots: array<u32>;         // (batch)
@group(0) @binding(4) var<storage, read> state: array<f32>;         // (slots, channels, states)
{{- end}}
{{- if .Wanted}}
@group(0) @binding({{if .Fresh}}3{{else}}5{{end}}) var<storage, read_write> dstate: array<f32>; // (batch, channels, states)
{{- end}}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let channel = wg.x * 64u + t;
	if (channel >= params.channels) { return; }
	let n = wg.z / 2u;
	let forwards = wg.z % 2u == 0u;
	let a = weights[{{if not .SharedA}}channel * params.states + {{end}}params.first_state + n] * 1.442695041;
	let held = (wg.y * {{.Block}}u + n) * params.channels + channel;
	let stride = params.batch * {{.Block}}u * params.channels;
	let chunks = (params.length + params.chunk - 1u) / params.chunk;
	var x = 0.0;
{{- if not .Fresh}}
	if (forwards) { x = state[(slots[wg.y] * params.channels + channel) * params.states + params.first_state + n]; }
{{- end}}
	let part = select(params.grads, 0u, forwards);
	// Four chunks are loaded at a time.
	for (var c = 0u; c < chunks; c += 4u) {
{{- range $i := seq 4}}
		let c{{$i}} = min(c + {{$i}}u, chunks - 1u);
		let chunk{{$i}} = select(chunks - 1u - c{{$i}}, c{{$i}}, forwards);
		let at{{$i}} = part + held + chunk{{$i}} * stride;
		let made{{$i}} = scratch[at{{$i}}];
		let decay{{$i}} = exp2(a * scratch[params.sums + (chunk{{$i}} * params.batch + wg.y) * params.channels + channel]);
{{- end}}
{{- range $i := seq 4}}
		if (c + {{$i}}u < chunks) {
			scratch[at{{$i}}] = x;
			x = fma(decay{{$i}}, x, made{{$i}});
		}
{{- end}}
	}
{{- if .Wanted}}
	if (!forwards) { dstate[(wg.y * params.channels + channel) * params.states + params.first_state + n] = x; }
{{- end}}
}
