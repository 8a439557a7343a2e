// adamw: one update of parameters (arXiv 1711.05101, alg. 2, as PyTorch's).
//
//   g = control[3] gradient
//   m = beta1 m + rest1 g
//   v = beta2 v + rest2 g^2
//   parameter -= control[0] (decay parameter + control[1] m / (sqrt(control[2] v) + eps))
//
// in runs of at most 8192 elements, each of which decays or does not. With control[3] = 0,
// which stands for gradients that are not finite, all stays as it is. rest1 and rest2 are
// 1 - beta1 and 1 - beta2, which float32 betas would give with few digits.
//
// In      runs (count): first, count, decays; gradient (elements); control (8)
// Out     parameter, m, v (elements)
// Grid    {{if .Vec}}8{{else}}32{{end}} workgroups a run, spread over x and y; 256 invocations, {{if .Vec}}four elements{{else}}an element{{end}} each
// Tail    elements past a run's end are not touched; workgroups past the last run do nothing
// Twin    cpu/adamw.go
{{- $groups := 32}}{{if .Vec}}{{$groups = 8}}{{end}}
struct Params { count: u32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, eps: f32, decay: f32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> runs: array<vec4<u32>>;      // (count): first, count, decays, 0
@group(0) @binding(2) var<storage, read> gradient: array<{{template "element" .}}>;        // (elements)
@group(0) @binding(3) var<storage, read> control: array<f32>;         // (8)
@group(0) @binding(4) var<storage, read_write> parameter: array<{{template "element" .}}>; // (elements)
@group(0) @binding(5) var<storage, read_write> m: array<{{template "element" .}}>;         // (elements)
@group(0) @binding(6) var<storage, read_write> v: array<{{template "element" .}}>;         // (elements)

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let group = wg.y * groups.x + wg.x;
	if (group >= {{$groups}}u * params.count || control[3] == 0.0) {
		return;
	}
	let run = runs[group / {{$groups}}u];
	let element = group % {{$groups}}u * 256u + t;
	if (element >= run.y{{if .Vec}} / 4u{{end}}) {
		return;
	}
	let i = run.x{{if .Vec}} / 4u{{end}} + element;
	let decay = select(0.0, params.decay, run.z != 0u);
	let g = control[3] * gradient[i];
	let w = parameter[i];
	let mean = params.beta1 * m[i] + params.rest1 * g;
	let square = params.beta2 * v[i] + params.rest2 * g * g;
	m[i] = mean;
	v[i] = square;
	parameter[i] = w - control[0] * (decay * w + control[1] * mean / (sqrt(control[2] * square) + params.eps));
}
