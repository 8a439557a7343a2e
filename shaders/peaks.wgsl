// peaks: the largest logit of each slice of 1024 of each row, the first of
// equals.
//
//   best[r,0,s] = max_i x'[r,i],  best[r,1,s] = the smallest such i,
//                                               1024 s <= i < min(1024 (s+1), width)
//
// x' is x with the repetition penalty: divided by it where the row has seen token
// i and x is positive, multiplied where it is not. A slice with a NaN or an
// infinity gives 0 at place width.
//
// In      x (rows, stride); draws (rows, 12); seen (rows, width/32) bits
// Out     best (rows, 3, slices)
// Grid    (slices, rows); 256 invocations, four elements each
// Memory  2 KiB
// Tail    elements past width take no part
// Twin    cpu/peaks.go
struct Params { rows: u32, width: u32, stride: u32, ring: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;           // (rows, stride), the bits of f32
@group(0) @binding(2) var<storage, read> draws: array<u32>;       // (rows, 12)
@group(0) @binding(3) var<storage, read> seen: array<u32>;        // (rows, width/32)
@group(0) @binding(4) var<storage, read_write> best: array<f32>;  // (rows, 3, slices)
{{template "rank"}}
{{template "logit" .}}
{{template "best_of"}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let row = wg.y;
	let first = wg.x * 1024u + t;
	let last = params.width - 1u;
{{- range seq 4}}
	let r{{.}} = rank(logit(row, min(first + {{mul . 256}}u, last)));
{{- end}}
	var top = 0u;
	var place = params.width;
{{- range seq 4}}
	if (first + {{mul . 256}}u <= last && r{{.}} > top) {
		top = r{{.}};
		place = first + {{mul . 256}}u;
	}
{{- end}}
	best_of(t, top, place);
	if (t == 0u) {
		let slices = (params.width + 1023u) / 1024u;
		let at = row * 3u * slices + wg.x;
		let bad = ranks[0] == BAD;
		best[at] = select(value(ranks[0]), 0.0, bad);
		best[at + slices] = f32(select(places[0], params.width, bad));
		best[at + 2u * slices] = 0.0;
	}
}
