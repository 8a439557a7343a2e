// gumbel: logits with noise, whose largest is a token drawn by its probability.
//
//   score_i = noise_i - d_i,  d_i = (max_j x'[r,j] - x'[r,i]) / temperature
//
//   scores[r,0,s] = max_i score_i, scores[r,1,s] = the smallest such i, of a slice
//
// over the tokens with d_i <= reach that cut leaves. noise is of (seed, place, i); temperature,
// seed, place and reach are in the row's draws. A slice without such tokens gives
// the least float; one of a row with a NaN or an infinity 0 at place width.
//
// In      x (rows, stride); best (rows, 3, slices), of peaks; draws (rows, 12); seen (rows, width/32)
// Out     scores (rows, 3, slices)
// Grid    (slices, rows); 256 invocations, four elements each
// Memory  2 KiB
// Tail    elements past width take no part
// Twin    cpu/gumbel.go
struct Params { rows: u32, width: u32, stride: u32, ring: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;            // (rows, stride), the bits of f32
@group(0) @binding(2) var<storage, read> best: array<f32>;         // (rows, 3, slices), of peaks
@group(0) @binding(3) var<storage, read> draws: array<u32>;        // (rows, 12)
@group(0) @binding(4) var<storage, read> seen: array<u32>;         // (rows, width/32)
@group(0) @binding(5) var<storage, read_write> scores: array<f32>; // (rows, 3, slices)
{{template "rank"}}
{{template "logit" .}}
{{template "best_of"}}
{{template "row_best"}}
{{template "distance"}}
{{template "noise"}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let row = wg.y;
	row_best(t, row);
	let bad = ranks[0] == BAD;
	let peak = value(ranks[0]);
	workgroupBarrier();
	let key = noise_key(row);
	let steepness = bitcast<f32>(draws[row * 12u + 4u]);
	let least = vec2<u32>(draws[row * 12u + 9u], draws[row * 12u + 10u]);
	let reach = bitcast<f32>(draws[row * 12u + 6u]);
	var top = 0u;
	var place = params.width;
	for (var j = 0u; j < 4u; j++) {
		let i = wg.x * 1024u + j * 256u + t;
		if (i < params.width && !bad) {
			let v = logit(row, i);
			let d = distance_below(peak, v, steepness);
			if (d <= reach && at_least(vec2<u32>(rank(v), ~i), least)) {
				let r = rank(noise(key, i) - d);
				if (r > top) {
					top = r;
					place = i;
				}
			}
		}
	}
	best_of(t, top, place);
	if (t == 0u) {
		let slices = (params.width + 1023u) / 1024u;
		let at = row * 3u * slices + wg.x;
		let none = ranks[0] == 0u;
		scores[at] = select(value(ranks[0]), select(-3.4028235e38, 0.0, bad), none);
		scores[at + slices] = f32(select(places[0], select(params.width + 1u, params.width, bad), none));
		scores[at + 2u * slices] = 0.0;
	}
}
