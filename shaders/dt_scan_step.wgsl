// dt_scan_step: the second half of a layer's step, from x_proj's sums over groups of
// channels to what out_proj takes (arXiv 2312.00752, alg. 2).
//
//   (dt, B, C) = sum_g parts[g]
//   d = softplus(W_dt dt + bias)
//   h = exp(d A) . h + (d u) B
//   y = (sum_n h C + D u) silu(z)
//
// A workgroup has {{.Columns}} channels of a sequence, {{.Lanes}} invocations each for the states and
// {{.Shares}} a pair of channels for W_dt.
//
// In      uz (rows, 2 channels): u, then z; parts (groups, rows, 4 {{.Quads}}): dt ({{.Rank}}), B, C ({{.States}});
//         wdt, W_dt transposed ({{.Rank}}, channels), padded to pairs;
//         weights: A (channels, {{.States}}), D (channels), bias (channels); slots (rows);
//         state (slots, channels, {{.States}})
// Out     y (rows, channels); state
// Grid    (ceil(channels/{{.Columns}}), rows); 256 invocations
// Memory  {{.Memory}} bytes
// Tail    channels past the end repeat the last one and are not written
// Twin    cpu/dt_scan_step.go
struct Params { rows: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> uz: array<f32>;          // (rows, 2 channels)
@group(0) @binding(2) var<storage, read> parts: array<vec4<f32>>; // (groups, rows, {{.Quads}})
@group(0) @binding(3) var<storage, read> wdt: array<{{template "pair_type" .}}>; // ({{.Rank}}, channels)
@group(0) @binding(4) var<storage, read> weights: array<{{if .Vec}}vec4<f32>{{else}}f32{{end}}>; // (channels, {{.States}}), (channels), (channels)
@group(0) @binding(5) var<storage, read> slots: array<u32>;       // (rows)
@group(0) @binding(6) var<storage, read_write> state: array<{{if .Vec}}vec4<f32>{{else}}f32{{end}}>; // (slots, channels, {{.States}})
@group(0) @binding(7) var<storage, read_write> y: array<f32>;     // (rows, channels)

var<workgroup> pool: array<vec4<f32>, {{.ScanPool}}>;
{{template "dt_scan" .}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	scan(wg.x, wg.y, t);
}
