// rms_norm_backward: the gradients of rms_norm (arXiv 1910.07467).
//
//   s[t] = 1 / sqrt(mean_j x[t,j]^2 + eps), g[t,i] = dy[t,i] weight[i]
//   dx[t,i] = s[t] (g[t,i] - x[t,i] s[t]^2 mean_j g[t,j] x[t,j]){{if .Add}} + dx[t,i]{{end}}
//   parts[r,i] = sum_t dy[t,i] x[t,i] s[t] over the rows of workgroup r
//
// A row stays in the registers of {{.Lanes}} invocations, {{.Quads}} groups of four columns each, so that
// x and dy are read once. Adding up the parts is column_sums' work.
//
// In      x (rows, {{.Width}}), weight ({{.Width}}), dy (rows, {{.Width}})
// Out     dx (rows, {{.Width}}), parts (workgroups, {{.Width}})
// Grid    one workgroup for steps times {{div 256 .Lanes}} rows, over x and y; 256 invocations
// Memory  4 KiB of sums
// Tail    rows past the end repeat the last one, count as zero and are not written
// Twin    cpu/rms_norm_backward.go
struct Params { rows: u32, steps: u32, eps: f32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<{{template "element" .}}>;           // (rows, {{.Width}})
@group(0) @binding(2) var<storage, read> weight: array<{{template "element" .}}>;      // ({{.Width}})
@group(0) @binding(3) var<storage, read> dy: array<{{template "element" .}}>;          // (rows, {{.Width}})
@group(0) @binding(4) var<storage, read_write> dx: array<{{template "element" .}}>;    // (rows, {{.Width}})
@group(0) @binding(5) var<storage, read_write> parts: array<{{template "element" .}}>; // (workgroups, {{.Width}})
{{template "norm_rows" .}}

{{$side := div 256 .Lanes}}
@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let lane = t % {{.Lanes}}u;
	let side = t / {{.Lanes}}u;
	let group = wg.y * groups.x + wg.x;
{{- range $j := seq .Quads}}
	let q{{$j}} = lane + {{mul $j $.Lanes}}u;
	let w{{$j}} = weight_quad(0u, q{{$j}});
	var sum{{$j}} = vec4<f32>(0.0);
{{- end}}
	let first = group * params.steps * {{$side}}u + side;
	{{- template "norm_ahead" .}}
	for (var turn = 0u; turn < params.steps; turn++) {
		let row = first + turn * {{$side}}u;
		let at = min(row, params.rows - 1u);
		{{- template "norm_next" .}}
		var squares = vec4<f32>(0.0);
		var products = vec4<f32>(0.0);
{{- range $j := seq .Quads}}
		let g{{$j}} = d{{$j}} * w{{$j}};
		squares = fma(x{{$j}}, x{{$j}}, squares);
		products = fma(g{{$j}}, x{{$j}}, products);
{{- end}}
		let all = row_total(vec4<f32>(dot(squares, vec4<f32>(1.0)), dot(products, vec4<f32>(1.0)), 0.0, 0.0), side, lane);
		let s = 1.0 / sqrt(all.x / {{.Width}}.0 + params.eps);
		let along = s * (s * (all.y / {{.Width}}.0));
		if (row < params.rows) {
{{- range $j := seq .Quads}}
			put_dx(at, q{{$j}}, {{if $.Add}}old{{$j}} + {{end}}s * (g{{$j}} - x{{$j}} * along));
			sum{{$j}} = fma(d{{$j}}, x{{$j}} * s, sum{{$j}});
{{- end}}
		}
	}
	let last = group * params.steps * {{$side}}u < params.rows;
{{- range $j := seq .Quads}}
	let all{{$j}} = column_total(sum{{$j}}, side, lane);
	if (side == 0u && last) {
		put_part(group, q{{$j}}, all{{$j}});
	}
{{- end}}
}
