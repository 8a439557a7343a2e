// part_columns: the sum of several arrays' rows, put into columns of a wider array.
//
//   out[row*stride + off_out + i] = sum_p parts[off_parts + (p*rows + row)*part_stride + i]
//
// In      parts: .. (parts, rows, part_stride), of which width columns are read
// Out     out (rows, stride): width columns
// Grid    an invocation a sum, spread over x and y; 256 invocations
// Tail    invocations past the last sum write nothing
// Twin    cpu/part_columns.go
struct Params {
	parts: u32, rows: u32, width: u32, part_stride: u32,
	off_parts: u32, stride: u32, off_out: u32, pad0: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;     // (parts, rows, part_stride)
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // (rows, stride)

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let at = (wg.y * groups.x + wg.x) * 256u + t;
	if (at >= params.rows * params.width) {
		return;
	}
	let row = at / params.width;
	let i = at % params.width;
	var sum = 0.0;
	for (var p = 0u; p < params.parts; p++) {
		sum += parts[params.off_parts + (p * params.rows + row) * params.part_stride + i];
	}
	out[row * params.stride + params.off_out + i] = sum;
}
