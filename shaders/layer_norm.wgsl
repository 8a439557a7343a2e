// layer_norm: layer normalisation (arXiv 1607.06450, eq. 4).
//
//   y[t,i] = (x[t,i] - mean_t) / sqrt(var_t + eps) * weight[i] + bias[i]
//
// The mean is taken of x[t,i] - x[t,0], and the variance, the biased one, of
// what remains after it: values far from 0 lose no digits.
//
// In      x (rows, width), weight (width), bias (width)
// Out     y (rows, width)
// Grid    one workgroup a row, spread over x and y; 256 invocations
// Memory  1 KiB of partial sums
// Tail    workgroups past the last row repeat it and write nothing
// Twin    cpu/layer_norm.go
struct Params { rows: u32, width: u32, eps: f32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;       // (rows, width)
@group(0) @binding(2) var<storage, read> weight: array<f32>;  // (width)
@group(0) @binding(3) var<storage, read> bias: array<f32>;    // (width)
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // (rows, width)

var<workgroup> sums: array<f32, 256>;

// The sum of v over the workgroup.
fn total(v: f32, t: u32) -> f32 {
	workgroupBarrier();
	sums[t] = v;
	workgroupBarrier();
	for (var half = 128u; half > 0u; half /= 2u) {
		if (t < half) {
			sums[t] += sums[t + half];
		}
		workgroupBarrier();
	}
	return sums[0];
}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let row = wg.y * groups.x + wg.x;
	let base = min(row, params.rows - 1u) * params.width;
	let first = x[base];
	var sum = 0.0;
	for (var i = t; i < params.width; i += 256u) {
		sum += x[base + i] - first;
	}
	let mean = total(sum, t) / f32(params.width);
	sum = 0.0;
	for (var i = t; i < params.width; i += 256u) {
		let v = (x[base + i] - first) - mean;
		sum = fma(v, v, sum);
	}
	let scale = 1.0 / sqrt(total(sum, t) / f32(params.width) + params.eps);
	if (row < params.rows) {
		for (var i = t; i < params.width; i += 256u) {
			y[base + i] = fma(((x[base + i] - first) - mean) * scale, weight[i], bias[i]);
		}
	}
}
