// rms_norm: root-mean-square normalisation (arXiv 1910.07467).
//
//   y[t,i] = x[t,i] / sqrt(mean_j x[t,j]^2 + eps) * weight[i]
//
// {{.Lanes}} invocations share a row, which they read again from a cache when its sum is known.
//
// In      x (rows, width), weight (width)
// Out     y (rows, width)
// Grid    one workgroup for {{.Side}} row{{if gt .Side 1}}s{{end}}, spread over x and y; 256 invocations
// Memory  1 KiB of partial sums
// Tail    rows past the end repeat the last one and are not written
// Twin    cpu/rms_norm.go
struct Params { rows: u32, width: u32, eps: f32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<{{template "element" .}}>;       // (rows, width)
@group(0) @binding(2) var<storage, read> weight: array<{{template "element" .}}>;  // (width)
@group(0) @binding(3) var<storage, read_write> y: array<{{template "element" .}}>; // (rows, width)

var<workgroup> sums: array<array<f32, {{.Lanes}}>, {{.Side}}>; // [row][lane]

fn squares(v: {{template "element" .}}) -> f32 {
	return {{if .Vec}}dot(v, v){{else}}v * v{{end}};
}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let lane = t % {{.Lanes}}u;
	let side = t / {{.Lanes}}u;
	let row = (wg.y * groups.x + wg.x) * {{.Side}}u + side;
	let count = params.width{{if .Vec}} / 4u{{end}};
	let base = min(row, params.rows - 1u) * count;
	var sum = 0.0;
	for (var i = lane; i < count; i += {{mul 2 .Lanes}}u) {
		let next = i + {{.Lanes}}u;
		let v0 = x[base + i];
		let v1 = x[base + min(next, count - 1u)];
		sum += squares(v0) + select(0.0, squares(v1), next < count);
	}
	sums[side][lane] = sum;
	workgroupBarrier();
{{- if gt .Lanes 32}}
	if (lane < 32u) {
		for (var i = lane + 32u; i < {{.Lanes}}u; i += 32u) {
			sum += sums[side][min(i, {{sub .Lanes 1}}u)];
		}
		sums[side][lane] = sum;
	}
	workgroupBarrier();
{{- end}}
	var even = sums[side][0];
	var odd = sums[side][1];
{{- range $i := seq 15}}
	even += sums[side][{{add (mul $i 2) 2}}];
	odd += sums[side][{{add (mul $i 2) 3}}];
{{- end}}
	let scale = 1.0 / sqrt((even + odd) / f32(params.width) + params.eps);
	if (row < params.rows) {
		for (var i = lane; i < count; i += {{.Lanes}}u) {
			y[base + i] = x[base + i] * scale * weight[i];
		}
	}
}
