// adamw: one update of parameters (arXiv 1711.05101, alg. 2, as PyTorch's).
//
//   g = control[3] gradient
//   m = beta1 m + rest1 g
//   v = beta2 v + rest2 g^2
//   parameter -= control[0] (decay parameter + control[1] m / (sqrt(control[2] v) + eps))
//
// With control[3] = 0, which stands for gradients that are not finite, all stays as it is.
// rest1 and rest2 are 1 - beta1 and 1 - beta2, which float32 betas would give with few digits.
//
// In      gradient (first + count); control (8)
// Out     parameter, m, v (first + count)
// Grid    ceil(count/256) workgroups over x and y; 256 invocations, {{if .Vec}}four elements{{else}}an element{{end}} each
// Tail    elements past the end are not touched
// Twin    cpu/adamw.go
struct Params { first: u32, count: u32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, eps: f32, decay: f32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradient: array<{{template "element" .}}>;        // (first + count)
@group(0) @binding(2) var<storage, read> control: array<f32>;         // (8)
@group(0) @binding(3) var<storage, read_write> parameter: array<{{template "element" .}}>; // (first + count)
@group(0) @binding(4) var<storage, read_write> m: array<{{template "element" .}}>;         // (first + count)
@group(0) @binding(5) var<storage, read_write> v: array<{{template "element" .}}>;         // (first + count)

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let element = (wg.y * groups.x + wg.x) * 256u + t;
	if (element >= params.count || control[3] == 0.0) {
		return;
	}
	let i = params.first + element;
	let g = control[3] * gradient[i];
	let w = parameter[i];
	let mean = params.beta1 * m[i] + params.rest1 * g;
	let square = params.beta2 * v[i] + params.rest2 * g * g;
	m[i] = mean;
	v[i] = square;
	parameter[i] = w - control[0] * (params.decay * w + control[1] * mean / (sqrt(control[2] * square) + params.eps));
}
