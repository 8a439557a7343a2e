// choose_embed: choose, and the row of the vocabulary table that the next step begins
// with.
//
//   id = best[r,1,s] of the largest best[r,0,s], the smallest of equals
//   ids[r] = chosen[place % ring, r] = id;  seen[r] gets id;  place + 1
//   out[r] = table[id]   where id lies in the table
//
// In      best (rows, 3, slices); w, the table (table_rows, columns), padded rows
// Out     seen (rows, width/32); draws (rows, 12); chosen (ring, rows); ids (rows);
//         out (rows, columns)
// Grid    one workgroup a row; 256 invocations
// Memory  2 KiB
// Tail    invocations without a slice take no part in the choice; columns past the end
//         are not written
// Twin    cpu/choose_embed.go
struct Params { rows: u32, width: u32, stride: u32, ring: u32, columns: u32, table_rows: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> best: array<f32>;         // (rows, 3, slices)
@group(0) @binding(2) var<storage, read_write> seen: array<u32>;   // (rows, width/32)
@group(0) @binding(3) var<storage, read_write> draws: array<u32>;  // (rows, 12)
@group(0) @binding(4) var<storage, read_write> chosen: array<u32>; // (ring, rows)
@group(0) @binding(5) var<storage, read_write> ids: array<u32>;    // (rows)
@group(0) @binding(6) var<storage, read> w: array<{{template "weight_type" .}}>; // (table_rows, columns)
@group(0) @binding(7) var<storage, read_write> out: array<f32>;    // (rows, columns)
{{template "rank"}}
{{template "best_of"}}
{{template "row_best"}}
{{template "take" .}}
{{template "weight_load" .}}
{{template "embed" .}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	row_best(t, wg.x);
	let id = select(places[0], params.width, ranks[0] == BAD);
	if (id < params.table_rows) {
		for (var q = t; q * 4u < params.columns; q += 256u) {
			embed(id, q, wg.x, params.table_rows, params.columns);
		}
	}
	if (t == 0u) {
		take(wg.x, id);
	}
}
