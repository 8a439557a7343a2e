// choose: the token of the best slice of each row, made the one that the next
// step reads.
//
//   id = best[r,1,s] of the largest best[r,0,s], the smallest of equals
//   ids[r] = chosen[place % ring, r] = id;  seen[r] gets id;  place + 1
//
// where place is the first word of the row's draws. A row with a slice at place
// width gives width.
//
// In      best (rows, 3, slices)
// Out     seen (rows, width/32); draws (rows, 12); chosen (ring, rows); ids (rows)
// Grid    one workgroup a row; 256 invocations
// Memory  2 KiB
// Tail    invocations without a slice take no part
// Twin    cpu/choose.go
struct Params { rows: u32, width: u32, stride: u32, ring: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best: array<f32>;         // (rows, 3, slices)
@group(0) @binding(2) var<storage, read_write> seen: array<u32>;   // (rows, width/32)
@group(0) @binding(3) var<storage, read_write> draws: array<u32>;  // (rows, 12)
@group(0) @binding(4) var<storage, read_write> chosen: array<u32>; // (ring, rows)
@group(0) @binding(5) var<storage, read_write> ids: array<u32>;    // (rows)
{{template "rank"}}
{{template "best_of"}}
{{template "row_best"}}
{{template "take" .}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	row_best(t, wg.x);
	if (t == 0u) {
		take(wg.x, select(places[0], params.width, ranks[0] == BAD));
	}
}
