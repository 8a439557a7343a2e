// gather_states: the states in the slots of a batch's rows, one after the other.
//
//   out[b,i] = state[slots[b],i]
//
// In      slots (batch); state (slots, width)
// Out     out (batch, width)
// Grid    (ceil(width/256), batch); 256 invocations
// Tail    invocations past the width write nothing
// Twin    cpu/gather_states.go
struct Params { width: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<u32>;     // (batch)
@group(0) @binding(2) var<storage, read> state: array<f32>;     // (slots, width)
@group(0) @binding(3) var<storage, read_write> out: array<f32>; // (batch, width)

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let i = wg.x * 256u + t;
	if (i < params.width) {
		out[wg.y * params.width + i] = state[slots[wg.y] * params.width + i];
	}
}
