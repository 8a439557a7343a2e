// selective_scan: the selective state space recurrence (arXiv 2312.00752,
// eq. 2 with the discretisation of alg. 2), as a blocked scan.
//
//   d_t = softplus(delta_t + bias)
//   h_t = {{if .Modulated}}(m_t . exp(d_t A)){{else}}exp(d_t A){{end}} . h_{t-1} + (d_t u_t) B_t
//   y_t = (sum_n h_t C_t + D u_t) silu(z_t)
//
// A workgroup owns 16 channels x 8 state lanes and walks time in tiles of
// {{.Steps}} steps. A lane keeps {{.PerLane}} state(s) of its channel in registers. What a tile
// needs lies in workgroup memory{{if eq .Buffers 2}}, in two buffers{{end}}; while one tile is computed the next
// is on its way from memory. Each lane's part of y goes through workgroup
// memory to the invocations that sum and write it. These, as the ones that load
// u, delta and z, have one channel and a run of four steps each, so that four
// numbers go into and out of workgroup memory at once.
//
// In      u, delta (batch, length, channels); bc: B at off_b, C at off_c{{if .Modulated}}, m at off_m{{end}} of rows
//         of bc_stride; z at off_z of rows of z_stride; weights: A ({{if not .SharedA}}channels, {{end}}{{.States}}),
//         D (channels), bias (channels); slots (batch){{if .Packed}}: slot, first row, rows{{end}};
//         state (slots, channels, {{.States}})
// Out     y (batch, length, channels); state
// Grid    (ceil(channels/16), batch); 128 invocations
// Memory  {{.Memory}} bytes
{{- if .Halves}}
// Halves  u, z, y: two steps in a word
{{- end}}
// Tail    a step past the end is the identity (d = 0{{if .Modulated}}, m = 1{{end}}), loaded from the last one;
//         channels past the end repeat the last one; neither is written; states
//         past {{.States}} stay 0
// Twin    cpu/selective_scan.go
struct Params { length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, off_m: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<{{template "scan_word" .}}>;           // (batch, length, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;       // (batch, length, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;          // (batch, length, bc_stride)
@group(0) @binding(4) var<storage, read> z: array<{{template "scan_word" .}}>;           // (batch, length, z_stride)
@group(0) @binding(5) var<storage, read> weights: array<f32>;     // ({{if not .SharedA}}channels, {{end}}{{.States}}), (channels), (channels)
@group(0) @binding(6) var<storage, read> slots: array<u32>;       // (batch)
@group(0) @binding(7) var<storage, read_write> state: array<f32>; // (slots, channels, {{.States}})
@group(0) @binding(8) var<storage, read_write> y: array<{{template "scan_word" .}}>;     // (batch, length, channels)
{{- if .Halves}}
{{template "half_bits" "vec4"}}
{{- end}}
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{- if .HasZ}}
{{template "silu"}}
{{- end}}
{{- $units := mul .Runs 16}}{{$twins := mul .Steps (mul .Pairs 8)}}{{$loads := div (add $twins 127) 128}}

// A run is four steps. d and du hold, for [buffer][run][channel], d and d u of
// its steps. b_c[buffer][step][pair][lane] is B and C of states lane+16 pair
// and lane+16 pair+8{{if .Modulated}}, ms, in the same order, their m{{end}}. parts[run][channel][lane] is a lane's part of y for the
// run's steps; lanes are turned by the channel, so that invocations of
// neighbouring channels meet different banks.
var<workgroup> d: array<vec4<f32>, {{mul .Buffers $units}}>;
var<workgroup> du: array<vec4<f32>, {{mul .Buffers $units}}>;
var<workgroup> b_c: array<vec4<f32>, {{mul .Buffers $twins}}>;
{{- if .Modulated}}
var<workgroup> ms: array<vec2<f32>, {{mul .Buffers $twins}}>;
{{- end}}
var<workgroup> parts: array<vec4<f32>, {{mul $units 8}}>;
{{- if .Packed}}
var<workgroup> sequence: vec3<u32>; // slot, first row, rows
{{- end}}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
{{- if .Packed}}
	{{template "packed_sequence"}}
{{- else}}
	let slot = slots[wg.y];
	let row0 = wg.y * params.length;
	let length = params.length;
{{- end}}
	let last = length - 1u;

	// As a computing lane: channel t/8, states lane, lane+8, ...
	// exp(d A) is computed as exp2(d A log2(e)).
	let lane = t % 8u;
	let c = t / 8u;
	let channel = min(wg.x * 16u + c, params.channels - 1u);
	let held = (slot * params.channels + channel) * {{.States}}u + lane;
{{- range $j := seq .PerLane}}
	var h{{$j}} = 0.0;
	var a{{$j}} = 0.0;
	{{template "scan_has_state" (state $ $j)}} {
		a{{$j}} = weights[{{if not $.SharedA}}channel * {{$.States}}u + {{end}}lane + {{mul $j 8}}u] * 1.442695041;
{{- if not $.Fresh}}
		h{{$j}} = state[held + {{mul $j 8}}u];
{{- end}}
	}
{{- end}}

	// As one of the first {{$units}} invocations: loads and writes run t/16 of channel
	// t%16.
	let loads = t < {{$units}}u;
	let run = t / 16u * 4u;
	let column = min(wg.x * 16u + t % 16u, params.channels - 1u);
	let writes = loads && wg.x * 16u + t % 16u < params.channels;
{{- if .HasBias}}
	let bias = weights[{{template "scan_bias_at" .}} + column];
{{- end}}
{{- if .HasD}}
	let skip = weights[{{template "scan_skip_at" .}} + column];
{{- end}}
{{- range $i := seq 4}}
	var next_u{{$i}} = 0.0;
	var next_d{{$i}} = 0.0;
	var next_z{{$i}} = 0.0;
{{- end}}
{{- range $i := seq $loads}}
	var next_bc{{$i}} = vec4<f32>(0.0);
{{- if $.Modulated}}
	var next_m{{$i}} = vec2<f32>(1.0);
{{- end}}
{{- end}}
	let ahead = 0u;
	{{template "scan_load" .}}
{{- if eq .Buffers 2}}
	var buffer = 0u;
{{- else}}
	let buffer = 0u;
{{- end}}
	for (var k = 0u; k < length; k += {{.Steps}}u) {
		// Store the tile that was loaded.
		let now_u = vec4<f32>(next_u0, next_u1, next_u2, next_u3);
{{- if .HasZ}}
		let now_z = vec4<f32>(next_z0, next_z1, next_z2, next_z3);
{{- end}}
		if (loads) {
{{- range $i := seq 4}}
			let d{{$i}} = select(0.0, {{if $.Softplus}}softplus({{end}}next_d{{$i}}{{if $.HasBias}} + bias{{end}}{{if $.Softplus}}){{end}}, k + run + {{$i}}u <= last);
{{- end}}
			let steps = vec4<f32>(d0, d1, d2, d3);
			d[buffer * {{$units}}u + t] = steps;
			du[buffer * {{$units}}u + t] = steps * now_u;
		}
{{- range $i := seq $loads}}
		{{template "scan_has_twin" (state $ $i)}} {
			b_c[buffer * {{$twins}}u + t + {{mul $i 128}}u] = next_bc{{$i}};
{{- if $.Modulated}}
			ms[buffer * {{$twins}}u + t + {{mul $i 128}}u] = next_m{{$i}};
{{- end}}
		}
{{- end}}
		workgroupBarrier();

		// Load the next tile; nothing waits for it until it is stored.
		let ahead = k + {{.Steps}}u;
		{{template "scan_load" .}}

		// Compute this one.
		let at_d = buffer * {{$units}}u + c;
		let at_b = buffer * {{$twins}}u + lane;
{{- range $r := seq .Runs}}
		let d{{$r}} = d[at_d + {{mul $r 16}}u];
		let du{{$r}} = du[at_d + {{mul $r 16}}u];
{{- range $i := seq 4}}{{$s := add (mul $r 4) $i}}
{{- range $q := seq $.Pairs}}{{$even := mul $q 2}}{{$odd := add $even 1}}
		let p{{$s}}_{{$q}} = b_c[at_b + {{mul 8 (add (mul $s $.Pairs) $q)}}u];
{{- if $.Modulated}}
		let m{{$s}}_{{$q}} = ms[at_b + {{mul 8 (add (mul $s $.Pairs) $q)}}u];
{{- end}}
		h{{$even}} = fma({{if $.Modulated}}m{{$s}}_{{$q}}.x * {{end}}exp2(d{{$r}}.{{comp $i}} * a{{$even}}), h{{$even}}, du{{$r}}.{{comp $i}} * p{{$s}}_{{$q}}.x);
		{{if $q}}y{{$s}} = fma(h{{$even}}, p{{$s}}_{{$q}}.y, y{{$s}}){{else}}var y{{$s}} = h{{$even}} * p{{$s}}_{{$q}}.y{{end}};
{{- if lt $odd $.PerLane}}
		h{{$odd}} = fma({{if $.Modulated}}m{{$s}}_{{$q}}.y * {{end}}exp2(d{{$r}}.{{comp $i}} * a{{$odd}}), h{{$odd}}, du{{$r}}.{{comp $i}} * p{{$s}}_{{$q}}.z);
		y{{$s}} = fma(h{{$odd}}, p{{$s}}_{{$q}}.w, y{{$s}});
{{- end}}
{{- end}}
{{- end}}
		parts[({{mul $r 16}}u + c) * 8u + (lane ^ (c % 8u))] = vec4<f32>(y{{mul $r 4}}, y{{add (mul $r 4) 1}}, y{{add (mul $r 4) 2}}, y{{add (mul $r 4) 3}});
{{- end}}
		workgroupBarrier();

		// Sum and write its y.
		if (writes) {
			let at = t * 8u;
			let turn = t % 8u;
			var sum = ((parts[at + turn] + parts[at + (1u ^ turn)]) + (parts[at + (2u ^ turn)] + parts[at + (3u ^ turn)]))
				+ ((parts[at + (4u ^ turn)] + parts[at + (5u ^ turn)]) + (parts[at + (6u ^ turn)] + parts[at + (7u ^ turn)]));
{{- if .HasD}}
			sum = fma(vec4<f32>(skip), now_u, sum);
{{- end}}
			let first = k + run;
			let row = row0 + first;
{{- if .Halves}}
{{- if .HasZ}}
			sum *= vec4<f32>(silu(now_z.x), silu(now_z.y), silu(now_z.z), silu(now_z.w));
{{- end}}
			{{- template "scan_write_halves" "column"}}
{{- else}}
{{- range $i := seq 4}}
			if (first + {{$i}}u <= last) { y[(row + {{$i}}u) * params.channels + column] = sum.{{comp $i}}{{if $.HasZ}} * silu(now_z.{{comp $i}}){{end}}; }
{{- end}}
{{- end}}
		}
{{- if eq .Buffers 2}}
		buffer = 1u - buffer;
{{- end}}
	}
	if (wg.x * 16u + c < params.channels) {
{{- range $j := seq .PerLane}}
		{{template "scan_has_state" (state $ $j)}} {
			state[held + {{mul $j 8}}u] = h{{$j}};
		}
{{- end}}
	}
}
{{- /* The condition under which lane+8j is a state. */}}
{{- define "scan_has_state"}}{{if gt .Scan.States (add (mul .Index 8) 7)}}{{else}}if (lane + {{mul .Index 8}}u < {{.Scan.States}}u){{end}}{{end}}
{{- /* The condition under which load i of B and C has something to load. */}}
{{- define "scan_has_twin"}}{{$twins := mul .Scan.Steps (mul .Scan.Pairs 8)}}{{if lt $twins (mul (add .Index 1) 128)}}if (t + {{mul .Index 128}}u < {{$twins}}u){{end}}{{end}}
{{- /* Where D and the bias start in the weights. */}}
{{- define "scan_skip_at"}}{{if .SharedA}}{{.States}}u{{else}}params.channels * {{.States}}u{{end}}{{end}}
{{- define "scan_bias_at"}}{{if .SharedA}}{{.States}}u{{if .HasD}} + params.channels{{end}}{{else}}params.channels * {{if .HasD}}{{add .States 1}}u{{else}}{{.States}}u{{end}}{{end}}{{end}}
{{- /* Loads the tile that starts at step ahead into the next_ registers. */}}
{{- define "scan_load"}}
		if (loads) {
{{- range $i := seq 4}}
			let r{{$i}} = row0 + min(ahead + run + {{$i}}u, last);
			next_d{{$i}} = delta[r{{$i}} * params.channels + column];
{{- if not $.Halves}}
			next_u{{$i}} = u[r{{$i}} * params.channels + column];
{{- if $.HasZ}}
			next_z{{$i}} = z[r{{$i}} * params.z_stride + params.off_z + column];
{{- end}}
{{- end}}
{{- end}}
{{- if .Halves}}
{{- range $j := seq 2}}
			let u_pair{{$j}} = unpack2x16float(u[r{{mul 2 $j}} / 2u * params.channels + column]);
			next_u{{mul 2 $j}} = u_pair{{$j}}.x;
			next_u{{add (mul 2 $j) 1}} = u_pair{{$j}}.y;
{{- if $.HasZ}}
			let z_pair{{$j}} = unpack2x16float(z[r{{mul 2 $j}} / 2u * params.z_stride + params.off_z + column]);
			next_z{{mul 2 $j}} = z_pair{{$j}}.x;
			next_z{{add (mul 2 $j) 1}} = z_pair{{$j}}.y;
{{- end}}
{{- end}}
{{- end}}
		}
{{- $row := mul .Pairs 8}}
{{- range $i := seq (div (add (mul .Steps $row) 127) 128)}}
		{{template "scan_has_twin" (state $ $i)}} {
			let i = t + {{mul $i 128}}u;
			let n = i % {{$row}}u / 8u * 16u + i % 8u;
			let at = (row0 + min(ahead + i / {{$row}}u, last)) * params.bc_stride + n;
{{- if eq (mod $.States 16) 0}}
			next_bc{{$i}} = vec4<f32>(bc[at + params.off_b], bc[at + params.off_c], bc[at + 8u + params.off_b], bc[at + 8u + params.off_c]);
{{- if $.Modulated}}
			next_m{{$i}} = select(vec2<f32>(1.0), vec2<f32>(bc[at + params.off_m], bc[at + 8u + params.off_m]), ahead + i / {{$row}}u <= last);
{{- end}}
{{- else}}
			if (n < {{$.States}}u) {
				next_bc{{$i}}.x = bc[at + params.off_b];
				next_bc{{$i}}.y = bc[at + params.off_c];
{{- if $.Modulated}}
				next_m{{$i}}.x = select(1.0, bc[at + params.off_m], ahead + i / {{$row}}u <= last);
{{- end}}
			}
			if (n + 8u < {{$.States}}u) {
				next_bc{{$i}}.z = bc[at + 8u + params.off_b];
				next_bc{{$i}}.w = bc[at + 8u + params.off_c];
{{- if $.Modulated}}
				next_m{{$i}}.y = select(1.0, bc[at + 8u + params.off_m], ahead + i / {{$row}}u <= last);
{{- end}}
			}
{{- end}}
		}
{{- end}}
{{- end}}
