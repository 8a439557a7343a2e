// layer_norm_backward: the gradients of layer_norm (arXiv 1607.06450).
//
//   n[t,i] = (x[t,i] - mean_t) s[t], s[t] = 1 / sqrt(var_t + eps), g[t,i] = dy[t,i] weight[i]
//   dx[t,i] = s[t] (g[t,i] - mean_j g[t,j] - n[t,i] mean_j g[t,j] n[t,j]){{if .Add}} + dx[t,i]{{end}}
//   parts[r,0,i] = sum_t dy[t,i] n[t,i], parts[r,1,i] = sum_t dy[t,i] over the rows of workgroup r
//
// A row stays in the registers of {{.Lanes}} invocations, {{.Quads}} groups of four columns each, so that
// x and dy are read once. The mean is taken as layer_norm does. Adding up the parts is
// column_sums' work.
//
// In      x (rows, {{.Width}}), weight ({{.Width}}), dy (rows, {{.Width}})
// Out     dx (rows, {{.Width}}), parts (workgroups, 2, {{.Width}})
// Grid    one workgroup for steps times {{div 256 .Lanes}} rows, over x and y; 256 invocations
// Memory  4 KiB of sums
// Tail    rows past the end repeat the last one, count as zero and are not written
// Twin    cpu/layer_norm_backward.go
struct Params { rows: u32, steps: u32, eps: f32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<{{template "element" .}}>;           // (rows, {{.Width}})
@group(0) @binding(2) var<storage, read> weight: array<{{template "element" .}}>;      // ({{.Width}})
@group(0) @binding(3) var<storage, read> dy: array<{{template "element" .}}>;          // (rows, {{.Width}})
@group(0) @binding(4) var<storage, read_write> dx: array<{{template "element" .}}>;    // (rows, {{.Width}})
@group(0) @binding(5) var<storage, read_write> parts: array<{{template "element" .}}>; // (workgroups, 2, {{.Width}})
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
	let one = vec4<f32>(1.0);
{{- range $j := seq .Quads}}
	let q{{$j}} = lane + {{mul $j $.Lanes}}u;
	let w{{$j}} = weight_quad(0u, q{{$j}});
	var sum{{$j}} = vec4<f32>(0.0);
	var bias{{$j}} = vec4<f32>(0.0);
{{- end}}
	let first = group * params.steps * {{$side}}u + side;
	{{- template "norm_ahead" .}}
	for (var turn = 0u; turn < params.steps; turn++) {
		let row = first + turn * {{$side}}u;
		let at = min(row, params.rows - 1u);
		{{- template "norm_next" .}}
		let start = vec4<f32>(x[at * {{if .Vec}}{{div .Width 4}}{{else}}{{.Width}}{{end}}u]{{if .Vec}}.x{{end}});
		var total = vec4<f32>(0.0);
{{- range $j := seq .Quads}}
		let v{{$j}} = x{{$j}} - start;
		total += held(q{{$j}}, v{{$j}});
{{- end}}
		let mean = row_total(vec4<f32>(dot(total, one)), side, lane) / {{.Width}}.0;
		var squares = vec4<f32>(0.0);
		var products = vec4<f32>(0.0);
		var grads = vec4<f32>(0.0);
{{- range $j := seq .Quads}}
		let c{{$j}} = held(q{{$j}}, v{{$j}} - mean);
		let g{{$j}} = d{{$j}} * w{{$j}};
		squares = fma(c{{$j}}, c{{$j}}, squares);
		products = fma(g{{$j}}, c{{$j}}, products);
		grads += g{{$j}};
{{- end}}
		let all = row_total(vec4<f32>(dot(squares, one), dot(products, one), dot(grads, one), 0.0), side, lane) / {{.Width}}.0;
		let s = 1.0 / sqrt(all.x + params.eps);
		let along = s * (s * all.y);
		if (row < params.rows) {
{{- range $j := seq .Quads}}
			put_dx(at, q{{$j}}, {{if $.Add}}old{{$j}} + {{end}}s * ((g{{$j}} - all.z) - c{{$j}} * along));
			sum{{$j}} = fma(d{{$j}}, c{{$j}} * s, sum{{$j}});
			bias{{$j}} += d{{$j}};
{{- end}}
		}
	}
	let last = group * params.steps * {{$side}}u < params.rows;
{{- range $j := seq .Quads}}
	let all{{$j}} = column_total(sum{{$j}}, side, lane);
	if (side == 0u && last) {
		put_part(2u * group, q{{$j}}, all{{$j}});
	}
	let biases{{$j}} = column_total(bias{{$j}}, side, lane);
	if (side == 0u && last) {
		put_part(2u * group + 1u, q{{$j}}, biases{{$j}});
	}
{{- end}}
}
