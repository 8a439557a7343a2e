// scan_gate_step: the second half of a layer's step, as dt_scan_step, and beside it what{{$p := .Product}}{{$s := .Scan}}
// in_proj_step leaves of the first half, the gate (arXiv 2312.00752, alg. 2).
//
//   (dt, B, C) = sum_g parts[g]
//   d = softplus(W_dt dt + bias)
//   h = exp(d A) . h + (d u) B
//   y = sum_n h C + D u
//   gate = silu(W_z x)
//
// The scan is a chain of short sums that keeps few workgroups busy, the product reads
// half of W_in and depends on nothing of it. The first workgroups have {{$s.Columns}} channels of a
// sequence each (include/dt_scan.wgsl), the others {{$p.Columns}} rows of W_z (include/row_held.wgsl).
//
// In      u (rows, channels); parts (groups, rows, 4 {{$s.Quads}}): dt ({{$s.Rank}}), B, C ({{$s.States}}), then
//         x (rows, {{$p.K}}), as planes, and its factors (rows);
//         wdt, W_dt transposed ({{$s.Rank}}, channels), padded to pairs;
//         weights: A (channels, {{$s.States}}), D (channels), bias (channels); slots (rows);
//         w, W_in (2 channels, {{$p.K}}), padded rows; state (slots, channels, {{$s.States}})
// Out     yz (rows, 2 channels): y, then the gate, each as planes; state
// Grid    rows ceil(channels/{{$s.Columns}}) + ceil(channels/{{$p.Columns}}) over x and y; 256 invocations
// Memory  {{.Memory}} bytes
// Tail    channels past the end repeat the last one and are not written
// Twin    cpu/scan_gate_step.go
struct Params { rows: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4<f32>>; // (groups, rows, {{$s.Quads}}), (rows, {{div $p.K 4}}), (1)
@group(0) @binding(2) var<storage, read> wdt: array<{{template "pair_type" $s}}>; // ({{$s.Rank}}, channels)
@group(0) @binding(3) var<storage, read> weights: array<{{if $s.Vec}}vec4<f32>{{else}}f32{{end}}>; // (channels, {{$s.States}}), (channels), (channels)
@group(0) @binding(4) var<storage, read> slots: array<u32>;       // (rows)
@group(0) @binding(5) var<storage, read> w: array<vec4<u32>>;     // (2 channels, {{$p.K}})
@group(0) @binding(6) var<storage, read> u: array<f32>;           // (rows, channels)
@group(0) @binding(7) var<storage, read_write> state: array<{{if $s.Vec}}vec4<f32>{{else}}f32{{end}}>; // (slots, channels, {{$s.States}})
@group(0) @binding(8) var<storage, read_write> yz: array<f32>;    // (rows, 2 channels)
{{template "row_blocks" $p}}
{{template "row_sum" $p}}
{{template "dt_scan" $s}}

// activation is a quad of row m of x.
fn activation(m: u32, q: u32) -> vec4<f32> {
	return parts[{{mul $s.Groups $p.Rows $s.Quads}}u + m * {{div $p.K 4}}u + q];
}

fn gate(first_row: u32, t: u32) {
	let r = t % {{$p.Columns}}u;
	let m = t / {{$p.Columns}}u;
	let n = first_row + r;
	let factors = parts[{{add (mul $s.Groups $p.Rows $s.Quads) (div (mul $p.Rows $p.K) 4)}}u];
{{- if eq $p.Weights "Q8"}}
	let scale = weight_scale(n);
{{- end}}
	{{template "row_dots" $p}}
	if (m < {{$p.Rows}}u && n < {{$p.N}}u) {
		let factor = {{if gt $p.Rows 1}}select(factors.x, factors.y, m == 1u){{else}}factors.x{{end}};
		yz[m * {{$p.N}}u + {{$s.Channels}}u + plane(n - {{$s.Channels}}u)] = silu(row_sum(r, m) * factor{{if eq $p.Weights "Q8"}} * scale{{end}});
	}
}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) grid: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let place = wg.y * grid.x + wg.x;
	if (place < {{mul $p.Rows .ScanGroups}}u) {
		scan(place % {{.ScanGroups}}u, place / {{.ScanGroups}}u, t);
	} else {
		gate({{$s.Channels}}u + (place - {{mul $p.Rows .ScanGroups}}u) * {{$p.Columns}}u, t);
	}
}
