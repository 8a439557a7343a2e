// modulated_scan: the recurrence with a complex diagonal A that the channels
// share and with modulated B and C, as a blocked scan (cells as discretize makes
// them, a . Abar and phi).
//
//   h_t = (a_t . Abar_t) . h_{t-1} + (phi_t . B + b_t) u_t
//   y_t = 2 Re sum_n (C + c_t) h_t + D u_t
//
// A workgroup owns 16 channels x 8 state lanes and walks time in tiles of
// {{.Steps}} steps. A lane keeps {{.PerLane}} state(s) of its channel in registers. What a tile
// needs lies in workgroup memory{{if eq .Buffers 2}}, in two buffers{{end}}{{if not .Staged}}, but for the cells{{end}}; while one tile is
// computed the next is on its way from memory. Each lane's part of y goes
// through workgroup memory to the invocations that sum and write it. These, as
// the ones that load u, b and c, have one channel and a run of four steps each,
// so that four numbers go into and out of workgroup memory at once.
//
// In      u (batch, length, channels); cells (batch, length, {{.States}}); s: b at off_b,
//         c at off_c of rows of stride; weights: B (channels, {{.States}}),
//         C (channels, {{.States}}), D (channels); slots (batch){{if .Packed}}: slot, first row,
//         rows{{end}};
//         state (slots, channels, {{.States}})
// Out     y (batch, length, channels); state
// Grid    (ceil(channels/16), batch); 128 invocations
// Memory  {{.Memory}} bytes
// Tail    a step past the end is the identity: a . Abar = 1, phi = 0, u = b = 0;
//         channels past the end repeat the last one; neither is written; states
//         past {{.States}} stay 0
// Twin    cpu/modulated_scan.go
struct Params { length: u32, channels: u32, stride: u32, off_b: u32, off_c: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;                 // (batch, length, channels)
@group(0) @binding(2) var<storage, read> cells: array<vec4<f32>>;       // (batch, length, {{.States}})
@group(0) @binding(3) var<storage, read> s: array<f32>;                 // (batch, length, stride)
@group(0) @binding(4) var<storage, read> weights: array<f32>;           // (channels, {{.States}}), (channels, {{.States}}), (channels)
@group(0) @binding(5) var<storage, read> slots: array<u32>;             // (batch)
@group(0) @binding(6) var<storage, read_write> state: array<vec2<f32>>; // (slots, channels, {{.States}})
@group(0) @binding(7) var<storage, read_write> y: array<f32>;           // (batch, length, channels)

// A run is four steps. us, bs and cs hold, for [buffer][run][channel], u, b u and
// c of its steps. tile[buffer][step][j][lane] is the cell of state lane+8j.
// parts[run][channel][lane] is a lane's part of y for the run's steps; lanes are
// turned by the channel, so that invocations of neighbouring channels meet
// different banks.
var<workgroup> us: array<vec4<f32>, {{mul .Buffers .Units}}>;
var<workgroup> bs: array<vec4<f32>, {{mul .Buffers .Units}}>;
var<workgroup> cs: array<vec4<f32>, {{mul .Buffers .Units}}>;
{{- if .Staged}}
var<workgroup> tile: array<vec4<f32>, {{mul .Buffers .Cells}}>;
{{- end}}
var<workgroup> parts: array<vec4<f32>, {{mul .Units 8}}>;
{{- template "sequence_memory" .}}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
{{- template "sequence" .}}
{{- template "tile_lane" .}}
	let mine = channel * {{.States}}u + lane;
{{- range $j := seq .PerLane}}
	var re{{$j}} = 0.0;
	var im{{$j}} = 0.0;
	var wb{{$j}} = 0.0;
	var wc{{$j}} = 0.0;
	{{$.IfState $j}}{
		wb{{$j}} = weights[mine + {{mul $j 8}}u];
		wc{{$j}} = weights[params.channels * {{$.States}}u + mine + {{mul $j 8}}u];
{{- if not $.Fresh}}
		let h = state[held + {{mul $j 8}}u];
		re{{$j}} = h.x;
		im{{$j}} = h.y;
{{- end}}
	}
{{- end}}
	// b adds to every state, but not to those past the last.
	let live = select(0.0, 1.0, lane + {{mul (sub .PerLane 1) 8}}u < {{.States}}u);
	{{- template "tile_column" .}}
	let skip = weights[params.channels * {{mul .States 2}}u + column];
{{- range $i := seq 4}}
	var next_u{{$i}} = 0.0;
	var next_b{{$i}} = 0.0;
	var next_c{{$i}} = 0.0;
{{- end}}
{{- if .Staged}}
{{- range $i := seq .Loads}}
	var next{{$i}} = vec4<f32>(0.0);
{{- end}}
{{- end}}
	let ahead = 0u;
	{{- template "modulated_load" .}}
	{{if eq .Buffers 2}}var{{else}}let{{end}} buffer = 0u;
	for (var k = 0u; k < length; k += {{.Steps}}u) {
		// Store the tile that was loaded.
		let now_u = vec4<f32>(next_u0, next_u1, next_u2, next_u3);
		if (loads) {
			us[buffer * {{.Units}}u + t] = now_u;
			bs[buffer * {{.Units}}u + t] = vec4<f32>(next_b0, next_b1, next_b2, next_b3) * now_u;
			cs[buffer * {{.Units}}u + t] = vec4<f32>(next_c0, next_c1, next_c2, next_c3);
		}
{{- if .Staged}}
{{- range $i := seq .Loads}}
		{{$.IfCell $i}}{
			tile[buffer * {{$.Cells}}u + t + {{mul $i 128}}u] = next{{$i}};
		}
{{- end}}
{{- end}}
		workgroupBarrier();

		// Load the next tile; nothing waits for it until it is stored.
		let ahead = k + {{.Steps}}u;
		{{- template "modulated_load" .}}

		// Compute this one.
		let at = buffer * {{.Units}}u + c;
{{- if .Staged}}
		let at_tile = buffer * {{.Cells}}u + lane;
{{- end}}
{{- range $r := seq .Runs}}
		var u{{$r}} = us[at + {{mul $r 16}}u];
		var b{{$r}} = bs[at + {{mul $r 16}}u];
		var c{{$r}} = cs[at + {{mul $r 16}}u];
{{- if eq $.Unrolled 1}}
		var y{{$r}} = vec4<f32>(0.0);
{{- end}}
{{- range $i := seq $.Unrolled}}{{$x := comp $i}}
{{- if gt $.Unrolled 1}}
		var y{{$r}}_{{$i}} = 0.0;
{{- end}}
		{{if eq $.Unrolled 1}}for (var i = 0u; i < 4u; i++) {{end}}{
			let step = {{add (mul $r 4) $i}}u{{if eq $.Unrolled 1}} + i{{end}};
			var part = 0.0;
{{- range $j := seq $.PerLane}}
{{- if $.Staged}}
			let g{{$j}} = tile[at_tile + step * {{$.Row}}u + {{mul $j 8}}u];
{{- else}}
			var g{{$j}} = vec4<f32>(1.0, 0.0, 0.0, 0.0);
			if (k + step <= last{{if $.IfState $j}} && lane + {{mul $j 8}}u < {{$.States}}u{{end}}) {
				g{{$j}} = cells[(row0 + k + step) * {{$.States}}u + lane + {{mul $j 8}}u];
			}
{{- end}}
			let v{{$j}} = wb{{$j}} * u{{$r}}.{{$x}};
			let x{{$j}} = fma(g{{$j}}.z, v{{$j}}, b{{$r}}.{{$x}}{{if $.IfState $j}} * live{{end}});
			let r{{$j}} = fma(g{{$j}}.x, re{{$j}}, fma(-g{{$j}}.y, im{{$j}}, x{{$j}}));
			im{{$j}} = fma(g{{$j}}.x, im{{$j}}, fma(g{{$j}}.y, re{{$j}}, g{{$j}}.w * v{{$j}}));
			re{{$j}} = r{{$j}};
			part = fma(wc{{$j}} + c{{$r}}.{{$x}}, re{{$j}}, part);
{{- end}}
{{- if eq $.Unrolled 1}}
			u{{$r}} = u{{$r}}.yzwx;
			b{{$r}} = b{{$r}}.yzwx;
			c{{$r}} = c{{$r}}.yzwx;
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
			sum = fma(vec4<f32>(skip), now_u, 2.0 * sum);
			let first = k + run;
			let row = row0 + first;
{{- range $i := seq 4}}
			if (first + {{$i}}u <= last) { y[(row + {{$i}}u) * params.channels + column] = sum.{{comp $i}}; }
{{- end}}
		}
{{- if eq .Buffers 2}}
		buffer = 1u - buffer;
{{- end}}
	}
	if (wg.x * 16u + c < params.channels) {
{{- range $j := seq .PerLane}}
		{{$.IfState $j}}{
			state[held + {{mul $j 8}}u] = vec2<f32>(re{{$j}}, im{{$j}});
		}
{{- end}}
	}
}
{{- /* Loads the tile that starts at step ahead into the next registers. */}}
{{- define "modulated_load"}}
		if (loads) {
{{- range $i := seq 4}}
			let r{{$i}} = row0 + min(ahead + run + {{$i}}u, last);
			let in{{$i}} = ahead + run + {{$i}}u <= last;
			next_u{{$i}} = select(0.0, u[r{{$i}} * params.channels + column], in{{$i}});
			next_b{{$i}} = select(0.0, s[r{{$i}} * params.stride + params.off_b + column], in{{$i}});
			next_c{{$i}} = s[r{{$i}} * params.stride + params.off_c + column];
{{- end}}
		}
{{- if .Staged}}
{{- range $i := seq .Loads}}
		{{$.IfCell $i}}{
			let i = t + {{mul $i 128}}u;
			let n = i % {{$.Row}}u;
			let step = ahead + i / {{$.Row}}u;
			next{{$i}} = vec4<f32>(1.0, 0.0, 0.0, 0.0);
			if (step <= last{{if mod $.States 8}} && n < {{$.States}}u{{end}}) {
				next{{$i}} = cells[(row0 + step) * {{$.States}}u + n];
			}
		}
{{- end}}
{{- end}}
{{- end}}
