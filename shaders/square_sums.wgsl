// square_sums: the sums of the squares of runs of 8192 elements.
//
//   parts[off_out + i] = sum_j x[first + j]^2    8192 i <= j < min(8192 (i+1), count)
//
// In      x (first + count)
// Out     parts (off_out + ceil(count/8192))
// Grid    one workgroup a sum, spread over x and y; 256 invocations
// Memory  1 KiB
// Tail    elements past the end count as zero; workgroups past the last sum do nothing
// Twin    cpu/square_sums.go
struct Params { first: u32, count: u32, off_out: u32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;           // (first + count)
@group(0) @binding(2) var<storage, read_write> parts: array<f32>; // (off_out + ceil(count/8192))
{{template "total"}}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let part = wg.y * groups.x + wg.x;
	let start = part * 8192u;
	if (start >= params.count) {
		return;
	}
	let last = params.count - 1u;
	var sum = 0.0;
	for (var i = start + t; i < start + 8192u; i += 2048u) {
{{- range $j := seq 8}}
		let x{{$j}} = select(0.0, x[params.first + min(i + {{mul $j 256}}u, last)], i + {{mul $j 256}}u <= last);
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
