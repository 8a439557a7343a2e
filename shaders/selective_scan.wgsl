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
// Tail    a step past the end is the identity (d = 0{{if .Modulated}}, m = 1{{end}}), loaded from the last one;
//         channels past the end repeat the last one; neither is written; states
//         past {{.States}} stay 0
// Twin    cpu/selective_scan.go
struct Params { length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, off_m: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;           // (batch, length, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;       // (batch, length, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;          // (batch, length, bc_stride)
@group(0) @binding(4) var<storage, read> z: array<f32>;           // (batch, length, z_stride)
@group(0) @binding(5) var<storage, read> weights: array<f32>;     // ({{if not .SharedA}}channels, {{end}}{{.States}}), (channels), (channels)
@group(0) @binding(6) var<storage, read> slots: array<u32>;       // (batch)
@group(0) @binding(7) var<storage, read_write> state: array<f32>; // (slots, channels, {{.States}})
@group(0) @binding(8) var<storage, read_write> y: array<f32>;     // (batch, length, channels)
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{- if .HasZ}}
{{template "silu"}}
{{- end}}

// A run is four steps. ds and dus hold, for [buffer][run][channel], d and d u of
// its steps. b_c[buffer][step][pair][lane] is B and C of states lane+16 pair
// and lane+16 pair+8{{if .Modulated}}, ms, in the same order, their m{{end}}. parts[run][channel][lane] is a lane's part of y for the
// run's steps; lanes are turned by the channel, so that invocations of
// neighbouring channels meet different banks.
var<workgroup> ds: array<vec4<f32>, {{mul .Buffers .Units}}>;
var<workgroup> dus: array<vec4<f32>, {{mul .Buffers .Units}}>;
var<workgroup> b_c: array<vec4<f32>, {{mul .Buffers .Cells}}>;
{{- if .Modulated}}
var<workgroup> ms: array<vec2<f32>, {{mul .Buffers .Cells}}>;
{{- end}}
var<workgroup> parts: array<vec4<f32>, {{mul .Units 8}}>;
{{- template "sequence_memory" .}}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
{{- template "sequence" .}}
{{- template "tile_lane" .}}
	// exp(d A) is computed as exp2(d A log2(e)).
{{- range $j := seq .PerLane}}
	var h{{$j}} = 0.0;
	var a{{$j}} = 0.0;
	{{$.IfState $j}}{
		a{{$j}} = weights[{{if not $.SharedA}}channel * {{$.States}}u + {{end}}lane + {{mul $j 8}}u] * 1.442695041;
{{- if not $.Fresh}}
		h{{$j}} = state[held + {{mul $j 8}}u];
{{- end}}
	}
{{- end}}
	{{- template "tile_column" .}}
{{- if .HasBias}}
	let bias = weights[{{template "scan_bias_at" .}} + column];
{{- end}}
{{- if .HasD}}
	let skip = weights[{{template "scan_skip_at" .}} + column];
{{- end}}
	{{- template "scan_next" .}}
{{- range $i := seq .Loads}}
	var next_bc{{$i}} = vec4<f32>(0.0);
{{- if $.Modulated}}
	var next_m{{$i}} = vec2<f32>(1.0);
{{- end}}
{{- end}}
	let ahead = 0u;
	{{- template "real_load" .}}
	{{if eq .Buffers 2}}var{{else}}let{{end}} buffer = 0u;
	for (var k = 0u; k < length; k += {{.Steps}}u) {
		// Store the tile that was loaded.
		{{- template "scan_store" .}}
{{- range $i := seq .Loads}}
		{{$.IfCell $i}}{
			b_c[buffer * {{$.Cells}}u + t + {{mul $i 128}}u] = next_bc{{$i}};
{{- if $.Modulated}}
			ms[buffer * {{$.Cells}}u + t + {{mul $i 128}}u] = next_m{{$i}};
{{- end}}
		}
{{- end}}
		workgroupBarrier();

		// Load the next tile; nothing waits for it until it is stored.
		let ahead = k + {{.Steps}}u;
		{{- template "real_load" .}}

		// Compute this one.
		let at_d = buffer * {{.Units}}u + c;
		let at_b = buffer * {{.Cells}}u + lane;
{{- range $r := seq .Runs}}
		let d{{$r}} = ds[at_d + {{mul $r 16}}u];
		let du{{$r}} = dus[at_d + {{mul $r 16}}u];
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
			{{template "tile_sum"}}
			{{- template "scan_write" .}}
		}
{{- if eq .Buffers 2}}
		buffer = 1u - buffer;
{{- end}}
	}
	{{- template "scan_keep" .}}
}
{{- /* Loads the tile that starts at step ahead into the next_ registers. */}}
{{- define "real_load"}}
		{{- template "scan_load" .}}
{{- range $i := seq .Loads}}
		{{$.IfCell $i}}{
			let i = t + {{mul $i 128}}u;
			let n = i % {{$.Row}}u / 8u * 16u + i % 8u;
			let at = (row0 + min(ahead + i / {{$.Row}}u, last)) * params.bc_stride + n;
{{- if eq (mod $.States 16) 0}}
			next_bc{{$i}} = vec4<f32>(bc[at + params.off_b], bc[at + params.off_c], bc[at + 8u + params.off_b], bc[at + 8u + params.off_c]);
{{- if $.Modulated}}
			next_m{{$i}} = select(vec2<f32>(1.0), vec2<f32>(bc[at + params.off_m], bc[at + 8u + params.off_m]), ahead + i / {{$.Row}}u <= last);
{{- end}}
{{- else}}
			if (n < {{$.States}}u) {
				next_bc{{$i}}.x = bc[at + params.off_b];
				next_bc{{$i}}.y = bc[at + params.off_c];
{{- if $.Modulated}}
				next_m{{$i}}.x = select(1.0, bc[at + params.off_m], ahead + i / {{$.Row}}u <= last);
{{- end}}
			}
			if (n + 8u < {{$.States}}u) {
				next_bc{{$i}}.z = bc[at + 8u + params.off_b];
				next_bc{{$i}}.w = bc[at + 8u + params.off_c];
{{- if $.Modulated}}
				next_m{{$i}}.y = select(1.0, bc[at + 8u + params.off_m], ahead + i / {{$.Row}}u <= last);
{{- end}}
			}
{{- end}}
		}
{{- end}}
{{- end}}
