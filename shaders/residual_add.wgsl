// residual_add: addition in place, r[i] += x[i].
//
// In    x (count)
// Out   r (count)
// Grid  ceil(count/256) workgroups over x and y; 256 invocations
// Tail  elements past the end are not touched
// Twin  cpu/residual_add.go
struct Params { count: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> r: array<f32>; // (count)
@group(0) @binding(2) var<storage, read> x: array<f32>;       // (count)

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let i = (wg.y * groups.x + wg.x) * 256u + t;
	if (i < params.count) {
		r[i] += x[i];
	}
}
