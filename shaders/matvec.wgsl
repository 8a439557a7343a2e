// matvec: the product of matmul for {{.Rows}} row(s) of a, as in decoding, where
// reading the weights is all the work.
//
//   c[m*ldc + off_c + n] = sum_k a[m*lda + off_a + k] * w[n,k] + bias[off_bias + n]
//
// A workgroup computes {{.Columns}} column(s) of c. {{.Lanes}} invocations share a row of w, four
// neighbouring elements each, so that it is read in order and once. Each has
// four loads on their way at a time.
//
// In      a (m, k) with leading dimension lda; w (n, k), padded rows; bias (off_bias + n)
// Out     c (m, n) with leading dimension ldc
// Grid    ceil(n/{{.Columns}}) workgroups over x and y; 128 invocations
// Memory  {{mul .Rows 512}} bytes of partial sums
// Tail    rows of w past the end repeat the last one and are not written
// Twin    cpu/matvec.go
struct Params { m: u32, n: u32, k: u32, lda: u32, off_a: u32, ldc: u32, off_c: u32, off_bias: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<{{template "activation_type" .}}>; // (m, k)
@group(0) @binding(2) var<storage, read> w: array<{{template "weight_type" .}}>;     // (n, k)
@group(0) @binding(3) var<storage, read> bias: array<f32>;                           // (off_bias + n)
@group(0) @binding(4) var<storage, read_write> c: array<f32>;                        // (m, n)
{{template "weight_load" .}}
{{template "activation_load" .}}

var<workgroup> sums: array<f32, {{mul .Rows 128}}>;

@compute @workgroup_size(128)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let n0 = (wg.y * groups.x + wg.x) * {{.Columns}}u;
	let quads = quads_of(params.k);
{{- if eq .Weights "Q4"}}
	quads_all = params.n * quads;
{{- end}}
	let base = min(n0 + t / {{.Lanes}}u, params.n - 1u) * quads;
{{- range $m := seq .Rows}}
	var s{{$m}} = vec4<f32>(0.0);
{{- end}}
	var q = t % {{.Lanes}}u;
	for (; q + {{mul .Lanes 3}}u < quads; q += {{mul .Lanes 4}}u) {
{{- range $i := seq 4}}
		let v{{$i}} = weight(base + q + {{mul $i $.Lanes}}u);
{{- end}}
{{- range $m := seq .Rows}}{{range $i := seq 4}}
		s{{$m}} = fma(v{{$i}}, activation({{$m}}u, q + {{mul $i $.Lanes}}u), s{{$m}});
{{- end}}{{end}}
	}
	for (; q < quads; q += {{.Lanes}}u) {
		let v = weight(base + q);
{{- range $m := seq .Rows}}
		s{{$m}} = fma(v, activation({{$m}}u, q), s{{$m}});
{{- end}}
	}
{{- range $m := seq .Rows}}
	sums[{{mul $m 128}}u + t] = (s{{$m}}.x + s{{$m}}.y) + (s{{$m}}.z + s{{$m}}.w);
{{- end}}
	workgroupBarrier();
{{- if gt .Lanes 16}}
	for (var half = {{div .Lanes 2}}u; half >= 16u; half /= 2u) {
		if (t % {{.Lanes}}u < half) {
{{- range $m := seq .Rows}}
			sums[{{mul $m 128}}u + t] += sums[{{mul $m 128}}u + t + half];
{{- end}}
		}
		workgroupBarrier();
	}
{{- end}}
	let n = n0 + t % {{.Columns}}u;
	let m = t / {{.Columns}}u;
	if (m < {{.Rows}}u && n < params.n) {
		var sum = 0.0;
		for (var i = 0u; i < 16u; i++) {
			sum += sums[m * 128u + (t % {{.Columns}}u) * {{.Lanes}}u + i];
		}
{{- if eq .Weights "Q8"}}
		sum *= row_scale(n, params.n * quads);
{{- end}}
{{- if .Bias}}
		sum += bias[params.off_bias + n];
{{- end}}
		c[m * params.ldc + params.off_c + n] = sum;
	}
}
