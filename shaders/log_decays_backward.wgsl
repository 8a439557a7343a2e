// log_decays_backward: the gradients of log_decays, of which weights is the output.
//
//   dlog[i] += dweights[i] weights[i]    i < decays: -exp is its own derivative
//   dlog[i] += dweights[i]               of the others
//
// In      weights (count), dweights (count)
// Out     dlog (count)
// Grid    ceil(count/256) workgroups over x and y; 256 invocations
// Tail    elements past the end are not touched
// Twin    cpu/log_decays_backward.go
struct Params { decays: u32, count: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<f32>;    // (count)
@group(0) @binding(2) var<storage, read> dweights: array<f32>;   // (count)
@group(0) @binding(3) var<storage, read_write> dlog: array<f32>; // (count)

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let i = (wg.y * groups.x + wg.x) * 256u + t;
	if (i < params.count) {
		dlog[i] += dweights[i] * select(1.0, weights[i], i < params.decays);
	}
}
