// sum: out[off_out] = sum_i x[first + i], i < count.
//
// In      x (first + count)
// Out     out (off_out + 1)
// Grid    one workgroup; 256 invocations, eight elements at a time each
// Memory  1 KiB
// Tail    elements past the end count as zero
// Twin    cpu/sum.go
struct Params { first: u32, count: u32, off_out: u32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;         // (first + count)
@group(0) @binding(2) var<storage, read_write> out: array<f32>; // (off_out + 1)
{{template "total"}}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) t: u32) {
	let last = params.count - 1u;
	var sum = 0.0;
	for (var i = t; i < params.count; i += 2048u) {
{{- range $j := seq 8}}
		let x{{$j}} = select(0.0, x[params.first + min(i + {{mul $j 256}}u, last)], i + {{mul $j 256}}u <= last);
{{- end}}
		sum += ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7));
	}
	let all = total(sum, t);
	if (t == 0u) {
		out[params.off_out] = all;
	}
}
