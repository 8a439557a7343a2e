// square_sums: the sums of the squares of runs of at most 8192 elements.
//
//   parts[off_out + r] = sum_j x[j]^2    first of run r <= j < first + count
//
// In      runs (count): first, count, ...; x, in which all of them lie
// Out     parts (off_out + count)
// Grid    one workgroup a run, spread over x and y; 256 invocations
// Memory  1 KiB
// Tail    elements past a run's end count as zero; workgroups past the last run do nothing
// Twin    cpu/square_sums.go
struct Params { count: u32, off_out: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> runs: array<vec4<u32>>;  // (count): first, count, decays, 0
@group(0) @binding(2) var<storage, read> x: array<f32>;           // (elements)
@group(0) @binding(3) var<storage, read_write> parts: array<f32>; // (off_out + count)
{{template "total"}}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let part = wg.y * groups.x + wg.x;
	if (part >= params.count) {
		return;
	}
	let first = runs[part].x;
	let last = runs[part].y - 1u;
	var sum = 0.0;
	for (var i = t; i <= last; i += 2048u) {
{{- range $j := seq 8}}
		let x{{$j}} = select(0.0, x[first + min(i + {{mul $j 256}}u, last)], i + {{mul $j 256}}u <= last);
{{- end}}
{{- range $j := seq 8}}
		sum = fma(x{{$j}}, x{{$j}}, sum);
{{- end}}
	}
	let all = total(sum, t);
	if (t == 0u) {
		parts[params.off_out + part] = all;
	}
}
