// rms_norm: root-mean-square normalisation (arXiv 1910.07467).
//
//   y[t,i] = x[t,i] / sqrt(mean_j x[t,j]^2 + eps) * weight[i]
//
// In      x (rows, width), weight (width)
// Out     y (rows, width)
// Grid    one workgroup a row, spread over x and y; 256 invocations
// Memory  1 KiB of partial sums
// Tail    workgroups past the last row repeat it and write nothing
// Twin    cpu/rms_norm.go
struct Params { rows: u32, width: u32, eps: f32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // (rows, width)
@group(0) @binding(2) var<storage, read> weight: array<f32>;  // (width)
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // (rows, width)

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let row = wg.y * groups.x + wg.x;
	let base = min(row, params.rows - 1u) * params.width;
	var sum = 0.0;
	for (var i = t; i < params.width; i += 256u) {
		let v = x[base + i];
		sum = fma(v, v, sum);
	}
	sums[t] = sum;
	workgroupBarrier();
	for (var half = 128u; half > 0u; half /= 2u) {
		if (t < half) {
			sums[t] += sums[t + half];
		}
		workgroupBarrier();
	}
	let scale = 1.0 / sqrt(sums[0] / f32(params.width) + params.eps);
	if (row < params.rows) {
		for (var i = t; i < params.width; i += 256u) {
			y[base + i] = x[base + i] * scale * weight[i];
		}
	}
}
