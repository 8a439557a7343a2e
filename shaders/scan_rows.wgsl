// scan_rows: the gradients of B and C of a selective scan, from their parts by groups of
// channels, the last stage of its backward pass:
//
//   dB_t[n] = sum over the groups of part B, dC_t[n] likewise
//
// In      scratch: rows (groups of channels, batch length, 2, {{.Block}})
// Out     dbc: at off_b and off_c of rows of bc_stride
// Grid    ceil(batch length 2 {{.Block}} / 256) workgroups over x and y; 256 invocations
// Tail    elements past the end are not touched
// Twin    cpu/scan_rows.go
struct Params { batch: u32, length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, first_state: u32, chunk: u32, grads: u32, sums: u32, rows: u32, decays: u32, rest: u32, totals: u32, states: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scratch: array<f32>;   // ScanBlockParams
@group(0) @binding(2) var<storage, read_write> dbc: array<f32>; // (batch, length, bc_stride)

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) shape: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let i = (wg.y * shape.x + wg.x) * 256u + t;
	let count = params.batch * params.length * {{mul 2 .Block}}u;
	let n = i % {{.Block}}u;
	if (i >= count || n >= {{.States}}u) { return; }
	let groups = (params.channels + 63u) / 64u;
	let parts = params.rows + i;
	// Four groups are loaded at a time.
	var sum = 0.0;
	var group = 0u;
	for (; group + 3u < groups; group += 4u) {
		let x0 = scratch[parts + group * count];
		let x1 = scratch[parts + (group + 1u) * count];
		let x2 = scratch[parts + (group + 2u) * count];
		let x3 = scratch[parts + (group + 3u) * count];
		sum += (x0 + x1) + (x2 + x3);
	}
	for (; group < groups; group++) {
		sum += scratch[parts + group * count];
	}
	let off = select(params.off_c, params.off_b, i / {{.Block}}u % 2u == 0u);
	dbc[i / {{mul 2 .Block}}u * params.bc_stride + off + params.first_state + n] = sum;
}
