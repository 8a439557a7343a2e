// argmax: the place of the largest element of each row, the first of equals.
//
//   ids[t] = the smallest i < width with x[t*stride+i] = max_j<width x[t*stride+j]
//
// Elements are compared as integers of the same order, since WGSL lets a
// compiler take for granted that there are no NaN. NaN ranks below everything; a
// row of nothing else gives width.
//
// In      x (rows, stride)
// Out     ids (rows)
// Grid    one workgroup a row, spread over x and y; 256 invocations
// Memory  2 KiB
// Tail    workgroups past the last row repeat it and write nothing
// Twin    cpu/argmax.go
struct Params { rows: u32, width: u32, stride: u32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;         // (rows, stride), the bits of f32
@group(0) @binding(2) var<storage, read_write> ids: array<u32>; // (rows)

var<workgroup> keys: array<u32, 256>;
var<workgroup> places: array<u32, 256>;

// rank is greater for greater floats, equal for the two zeros, 0 for NaN.
fn rank(bits: u32) -> u32 {
	let size = bits & 0x7fffffffu;
	if (size > 0x7f800000u) {
		return 0u;
	}
	return select(size | 0x80000000u, 0x80000000u - size, bits > 0x80000000u);
}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let row = wg.y * groups.x + wg.x;
	let base = min(row, params.rows - 1u) * params.stride;
	var key = 0u;
	var place = t;
	for (var i = t; i < params.width; i += 256u) {
		let k = rank(x[base + i]);
		if (k > key) {
			key = k;
			place = i;
		}
	}
	keys[t] = key;
	places[t] = place;
	workgroupBarrier();
	for (var half = 128u; half > 0u; half /= 2u) {
		if (t < half) {
			let k = keys[t + half];
			let p = places[t + half];
			if (k > keys[t] || (k == keys[t] && p < places[t])) {
				keys[t] = k;
				places[t] = p;
			}
		}
		workgroupBarrier();
	}
	if (t == 0u && row < params.rows) {
		ids[row] = select(places[0], params.width, keys[0] == 0u);
	}
}
