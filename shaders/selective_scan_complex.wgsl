// selective_scan_complex: selective_scan with complex A, B, C and state
// (arXiv 2312.00752, section 3.6), as a blocked scan.
//
//   d_t = softplus(delta_t + bias)
//   h_t = {{if .Modulated}}(m_t . exp(d_t A)){{else}}exp(d_t A){{end}} . h_{t-1} + (d_t u_t) B_t
//   y_t = (2 Re sum_n h_t C_t + D u_t) silu(z_t)
//
// A workgroup owns 16 channels x 8 state lanes and walks time in tiles of
// {{.Steps}} steps. A lane keeps {{.PerLane}} state(s) of its channel in registers. What a tile
// needs lies in workgroup memory{{if eq .Buffers 2}}, in two buffers{{end}}{{if not .Staged}}, but for {{if .Modulated}}B, C and m{{else}}B and C{{end}}{{end}}; while one tile is
// computed the next is on its way from memory. Each lane's part of y goes
// through workgroup memory to the invocations that sum and write it. These, as
// the ones that load u, delta and z, have one channel and a run of four steps
// each, so that four numbers go into and out of workgroup memory at once.
//
// In      u, delta (batch, length, channels); bc: B at off_b, C at off_c of rows
//         of bc_stride, {{.States}} times re, im each{{if .Modulated}}, m at off_m, real{{end}}; z at off_z of rows of z_stride;
//         weights: A {{if .SharedA}}({{.States}}, 2){{else}}(channels, {{.States}}, 2){{end}}, D (channels), bias (channels);
//         slots (batch){{if .Packed}}: slot, first row, rows{{end}}; state (slots, channels, {{.States}})
// Out     y (batch, length, channels); state
// Grid    (ceil(channels/16), batch); 128 invocations
// Memory  {{.Memory}} bytes
// Tail    a step past the end is the identity (d = 0{{if .Modulated}}, m = 1{{end}}), loaded from the last one;
//         channels past the end repeat the last one; neither is written; states
//         past {{.States}} stay 0
// Twin    cpu/selective_scan_complex.go
struct Params { length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, off_m: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;                 // (batch, length, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;             // (batch, length, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;                // (batch, length, bc_stride)
@group(0) @binding(4) var<storage, read> z: array<f32>;                 // (batch, length, z_stride)
@group(0) @binding(5) var<storage, read> weights: array<f32>;           // {{if .SharedA}}({{.States}}, 2){{else}}(channels, {{.States}}, 2){{end}}, (channels), (channels)
@group(0) @binding(6) var<storage, read> slots: array<u32>;             // (batch)
@group(0) @binding(7) var<storage, read_write> state: array<vec2<f32>>; // (slots, channels, {{.States}})
@group(0) @binding(8) var<storage, read_write> y: array<f32>;           // (batch, length, channels)
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{- if .HasZ}}
{{template "silu"}}
{{- end}}
{{template "turn"}}
{{template "complex_cell"}}
{{- if .Modulated}}

// m of state n at a step of the sequence that starts at row0, past its end 1.
fn modulation(row0: u32, step: u32, last: u32, n: u32) -> f32 {
	return select(1.0, bc[(row0 + min(step, last)) * params.bc_stride + params.off_m + n], step <= last);
}
{{- end}}

// A run is four steps. ds and dus hold, for [buffer][run][channel], d and d u of
// its steps. tile[buffer][step][j][lane] is B and C of state lane+8j{{if .Modulated}}, ms, in the
// same order, its m{{end}}.
// parts[run][channel][lane] is a lane's part of y for the run's steps; lanes are
// turned by the channel, so that invocations of neighbouring channels meet
// different banks.
var<workgroup> ds: array<vec4<f32>, {{mul .Buffers .Units}}>;
var<workgroup> dus: array<vec4<f32>, {{mul .Buffers .Units}}>;
{{- if .Staged}}
var<workgroup> tile: array<vec4<f32>, {{mul .Buffers .Cells}}>;
{{- if .Modulated}}
var<workgroup> ms: array<f32, {{mul .Buffers .Cells}}>;
{{- end}}
{{- end}}
var<workgroup> parts: array<vec4<f32>, {{mul .Units 8}}>;
{{- template "sequence_memory" .}}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
{{- template "sequence" .}}
{{- template "tile_lane" .}}
	// exp(d A) is exp2(d Re A log2(e)) turned by d Im A, in quarter turns.
	let mine = {{if not .SharedA}}channel * {{mul .States 2}}u + {{end}}lane * 2u;
{{- range $j := seq .PerLane}}
	var h{{$j}} = vec2<f32>(0.0);
	var a{{$j}} = 0.0;
	var w{{$j}} = vec2<f32>(0.0);
	{{$.IfState $j}}{
		a{{$j}} = weights[mine + {{mul $j 16}}u] * 1.442695041;
		w{{$j}} = quarters(weights[mine + {{add (mul $j 16) 1}}u]);
{{- if not $.Fresh}}
		h{{$j}} = state[held + {{mul $j 8}}u];
{{- end}}
	}
{{- end}}
	{{- template "tile_column" .}}
	let after_a = {{if .SharedA}}{{mul .States 2}}u{{else}}params.channels * {{mul .States 2}}u{{end}} + column;
{{- if .HasD}}
	let skip = weights[after_a];
{{- end}}
{{- if .HasBias}}
	let bias = weights[after_a{{if .HasD}} + params.channels{{end}}];
{{- end}}
	{{- template "scan_next" .}}
{{- if .Staged}}
{{- range $i := seq .Loads}}
	var next{{$i}} = vec4<f32>(0.0);
{{- if $.Modulated}}
	var next_m{{$i}} = 1.0;
{{- end}}
{{- end}}
{{- end}}
	let ahead = 0u;
	{{- template "complex_load" .}}
	{{if eq .Buffers 2}}var{{else}}let{{end}} buffer = 0u;
	for (var k = 0u; k < length; k += {{.Steps}}u) {
		// Store the tile that was loaded.
		{{- template "scan_store" .}}
{{- if .Staged}}
{{- range $i := seq .Loads}}
		{{$.IfCell $i}}{
			tile[buffer * {{$.Cells}}u + t + {{mul $i 128}}u] = next{{$i}};
{{- if $.Modulated}}
			ms[buffer * {{$.Cells}}u + t + {{mul $i 128}}u] = next_m{{$i}};
{{- end}}
		}
{{- end}}
{{- end}}
		workgroupBarrier();

		// Load the next tile; nothing waits for it until it is stored.
		let ahead = k + {{.Steps}}u;
		{{- template "complex_load" .}}

		// Compute this one.
		let at = buffer * {{.Units}}u + c;
{{- if .Staged}}
		let at_tile = buffer * {{.Cells}}u + lane;
{{- end}}
{{- range $r := seq .Runs}}
		var d{{$r}} = ds[at + {{mul $r 16}}u];
		var du{{$r}} = dus[at + {{mul $r 16}}u];
{{- if eq $.Unrolled 1}}
		var y{{$r}} = vec4<f32>(0.0);
{{- end}}
{{- range $i := seq $.Unrolled}}{{$x := comp $i}}
{{- if gt $.Unrolled 1}}
		var y{{$r}}_{{$i}} = 0.0;
{{- end}}
		{{if eq $.Unrolled 1}}for (var i = 0u; i < 4u; i++) {{end}}{
			let step = {{add (mul $r 4) $i}}u{{if eq $.Unrolled 1}} + i{{end}};
			let both = split(d{{$r}}.{{$x}});
			var part = 0.0;
{{- range $j := seq $.PerLane}}
{{- if $.Staged}}
			let g{{$j}} = tile[at_tile + step * {{$.Row}}u + {{mul $j 8}}u];
{{- if $.Modulated}}
			let m{{$j}} = ms[at_tile + step * {{$.Row}}u + {{mul $j 8}}u];
{{- end}}
{{- else}}
			var g{{$j}} = vec4<f32>(0.0);
{{- if $.Modulated}}
			var m{{$j}} = 1.0;
{{- end}}
			{{$.IfState $j}}{
				g{{$j}} = cell((row0 + min(k + step, last)) * params.bc_stride, lane + {{mul $j 8}}u);
{{- if $.Modulated}}
				m{{$j}} = modulation(row0, k + step, last, lane + {{mul $j 8}}u);
{{- end}}
			}
{{- end}}
			let e{{$j}} = {{if $.Modulated}}m{{$j}} * {{end}}exp2(d{{$r}}.{{$x}} * a{{$j}}) * turn(both, w{{$j}});
			h{{$j}} = vec2<f32>(
				fma(e{{$j}}.x, h{{$j}}.x, fma(-e{{$j}}.y, h{{$j}}.y, du{{$r}}.{{$x}} * g{{$j}}.x)),
				fma(e{{$j}}.x, h{{$j}}.y, fma(e{{$j}}.y, h{{$j}}.x, du{{$r}}.{{$x}} * g{{$j}}.y)));
			part = fma(h{{$j}}.x, g{{$j}}.z, fma(-h{{$j}}.y, g{{$j}}.w, part));
{{- end}}
{{- if eq $.Unrolled 1}}
			d{{$r}} = d{{$r}}.yzwx;
			du{{$r}} = du{{$r}}.yzwx;
			y{{$r}} = vec4<f32>(y{{$r}}.yzw, part);
{{- else}}
			y{{$r}}_{{$i}} = part;
{{- end}}
		}
{{- end}}
		parts[({{mul $r 16}}u + c) * 8u + (lane ^ (c % 8u))] = {{$.Y $r}};
{{- end}}
		workgroupBarrier();

		// Sum and write its y.
		if (writes) {
			{{template "tile_sum"}}
			sum *= 2.0;
			{{- template "scan_write" .}}
		}
{{- if eq .Buffers 2}}
		buffer = 1u - buffer;
{{- end}}
	}
	{{- template "scan_keep" .}}
}
{{- /* Loads the tile that starts at step ahead into the next registers. */}}
{{- define "complex_load"}}
		{{- template "scan_load" .}}
{{- if .Staged}}
{{- range $i := seq .Loads}}
		{{$.IfCell $i}}{
			let i = t + {{mul $i 128}}u;
			let n = i % {{$.Row}}u;
			{{if mod $.States 8}}if (n < {{$.States}}u) {{end}}{
				next{{$i}} = cell((row0 + min(ahead + i / {{$.Row}}u, last)) * params.bc_stride, n);
{{- if $.Modulated}}
				next_m{{$i}} = modulation(row0, ahead + i / {{$.Row}}u, last, n);
{{- end}}
			}
		}
{{- end}}
{{- end}}
{{- end}}
