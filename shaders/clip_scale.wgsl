// clip_scale: the norm of all gradients, and what brings it down to max_norm.
//
//   norm = sqrt(sum_i parts[i])
//   control[3] = min(1, max_norm / (norm + 1e-6)), 1 if max_norm is 0; control[4] = norm
//   control[3] = 0 if norm is not finite
//
// In      parts (count)
// Out     control (8), of which two words are written
// Grid    one workgroup; 256 invocations
// Memory  1 KiB
// Tail    elements past the end count as zero
// Twin    cpu/clip_scale.go
struct Params { count: u32, max_norm: f32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;         // (count)
@group(0) @binding(2) var<storage, read_write> control: array<f32>; // (8)
{{template "total"}}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) t: u32) {
	var sum = 0.0;
	for (var i = t; i < params.count; i += 256u) {
		sum += parts[i];
	}
	let all = total(sum, t);
	if (t > 0u) {
		return;
	}
	let norm = sqrt(all);
	let scale = select(1.0, min(1.0, params.max_norm / (norm + 1e-6)), params.max_norm > 0.0);
	// By its bits: compilers may take for granted that there is no NaN.
	let finite = (bitcast<u32>(norm) & 0x7f800000u) != 0x7f800000u;
	control[3] = select(0.0, scale, finite);
	control[4] = norm;
}
