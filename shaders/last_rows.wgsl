// last_rows: the last row of each sequence.
//
//   y[b] = x[first + rows - 1]   of sequence b
//
// In    x (rows, width); slots (batch){{if .Packed}}: slot, first row, rows{{end}}
// Out   y (batch, width)
// Grid  (ceil(width/64), batch); 64 invocations
// Tail  columns past width are not written
// Twin  cpu/last_rows.go
struct Params { length: u32, width: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // (rows, width)
@group(0) @binding(2) var<storage, read> slots: array<u32>;   // (batch)
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // (batch, width)

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
	if (id.x >= params.width) {
		return;
	}
{{- if .Packed}}
	let row = slots[id.y * 3u + 1u] + slots[id.y * 3u + 2u] - 1u;
{{- else}}
	let row = (id.y + 1u) * params.length - 1u;
{{- end}}
	y[id.y * params.width + id.x] = x[row * params.width + id.x];
}
