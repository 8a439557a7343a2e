// log_decays: a selective scan's weights of those that are trained (A_log, D, bias).
//
//   out[i] = -exp(log[i])    i < decays
//   out[i] = log[i]          of the others
//
// In      logs (count)
// Out     out (count)
// Grid    ceil(count/256) workgroups over x and y; 256 invocations
// Tail    elements past the end are not touched
// Twin    cpu/log_decays.go
struct Params { decays: u32, count: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logs: array<f32>;      // (count)
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // (count)

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let i = (wg.y * groups.x + wg.x) * 256u + t;
	if (i < params.count) {
		let v = logs[i];
		out[i] = select(v, -exp(v), i < params.decays);
	}
}
