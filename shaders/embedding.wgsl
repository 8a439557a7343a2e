// embedding: rows of the vocabulary table for a list of tokens.
//
//   out[t] = table[ids[t] - first_row]   where ids[t] lies in the table
//
// In     ids (tokens); w, the table (rows, width), padded rows
// Out    out (tokens, width); rows of other ids are left as they are
// Grid   (ceil(width/4 / 64), tokens); 64 invocations, one four columns each
// Tail   columns past width are not written
// Twin   cpu/embedding.go
struct Params { width: u32, first_row: u32, rows: u32, tokens: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;                        // (tokens)
@group(0) @binding(2) var<storage, read> w: array<{{template "weight_type" .}}>; // (rows, width)
@group(0) @binding(3) var<storage, read_write> out: array<f32>;                  // (tokens, width)
{{template "weight_load" .}}
{{template "embed" .}}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
	let row = ids[id.y] - params.first_row; // wraps to a large number below the table
	if (id.x * 4u < params.width && row < params.rows) {
		embed(row, id.x, id.y, params.rows, params.width);
	}
}
