// matmul: a matrix product with a weight matrix, for many rows.
//
//   x[m,n] = sum_k {{if .TransA}}a[k*lda + off_a + m]{{else}}a[m*lda + off_a + k]{{end}} * {{if .TransW}}w[k*ldw + off_w + n]{{else if .Strided}}w[n*ldw + off_w + k]{{else}}w[n,k]{{end}}
//   c[m*ldc + off_c + n] = act(x[m,n] + bias[off_bias + n]) + c[m*ldc + off_c + n]
//
// where act is {{if .SiLU}}silu{{else}}the identity{{end}}; there {{if .Bias}}is a bias{{else}}is no bias{{end}}, and {{if .Add}}c is added to{{else}}the old c is not read{{end}}.
{{- if .Parts}} This variant sums part z of k only, into c[z,m,n], for matmul_sum.
{{- end}}
//
// Each workgroup owns a tile of c ({{.Rows}} x {{.Columns}}) and walks k in steps of {{.Step}}. The
// parts of a and w that a step needs lie transposed in workgroup memory, four rows
// to a vector; those of the next step are on their way to registers while this one
// is computed. Every invocation keeps {{.M}} x {{.N}} sums in named registers.
{{- if gt .Slices 1}} Its
// {{.Slices}} slices of {{.Lanes}} invocations have the same tile and each a share of a step's k;
// their sums are added in order at the end.
{{- end}}
{{- if or .A.Halves .W.Halves .HalvesC}}
//
// Of these lie in halves:{{if .A.Halves}} a{{end}}{{if .W.Halves}} w{{end}}{{if .HalvesC}} c{{end}}.
{{- end}}
//
// In      a {{if .TransA}}(k, m){{else}}(m, k){{end}} with leading dimension lda; w {{if .TransW}}(k, n){{else}}(n, k){{end}}{{if .Strided}} with leading dimension ldw{{else}}, padded rows{{end}};
//         bias (off_bias + n)
// Out     c (m, n) with leading dimension ldc
// Grid    (ceil(n/{{.Columns}}), ceil(m/{{.Rows}}), parts of k); {{.Invocations}} invocations
// Memory  {{.Memory}} bytes
// Tail    rows past the end repeat the last one{{if or .A.Halves .HalvesC}}, or two,{{end}} and are not written; columns
//         past k are zero
// Twin    cpu/matmul.go
struct Params { m: u32, n: u32, k: u32, lda: u32, off_a: u32, ldc: u32, off_c: u32, off_bias: u32, ldw: u32, off_w: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<{{template "operand_type" .A}}>; // (m, k), or its transpose
@group(0) @binding(2) var<storage, read> w: array<{{if .Strided}}{{template "operand_type" .W}}{{else}}{{template "weight_type" .}}{{end}}>; // (n, k), or its transpose
@group(0) @binding(3) var<storage, read> bias: array<f32>; // (off_bias + n)
@group(0) @binding(4) var<storage, read_write> c: array<{{if .VecOut}}vec4<{{template "matmul_word" .}}>{{else}}{{template "matmul_word" .}}{{end}}>; // (m, n)
{{- if .HalvesC}}
{{template "half_bits" "vec4"}}
{{- end}}
{{template "operand_load" .A}}
{{- if .Strided}}
{{template "operand_load" .W}}

fn quads_of(k: u32) -> u32 {
	return (k + 3u) / 4u;
}
{{- else}}
{{template "weight_load" .}}
{{- end}}

// A step's columns of a's and w's rows: [slice][quad][column][group][lane] is four rows.
// Lanes are turned by the column's quad, so that the transposing stores of
// neighbouring invocations fall into different banks. All indices but the lane are
// constants in the loop: one address serves all loads of a quad.
var<workgroup> tile_a: array<array<array<array<array<vec4<f32>, {{.LanesM}}>, {{.GroupsM}}>, 4>, {{.SliceQuads}}>, {{.Slices}}>;
var<workgroup> tile_w: array<array<array<array<array<vec4<f32>, {{.LanesN}}>, {{.GroupsN}}>, 4>, {{.SliceQuads}}>, {{.Slices}}>;
{{- if gt .Slices 1}}
var<workgroup> sums: array<array<vec4<f32>, {{.Lanes}}>, {{.Slices}}>;
{{- end}}

{{- define "matmul_word"}}{{if .HalvesC}}u32{{else}}f32{{end}}{{end}}
{{if .HalvesC}}{{template "matmul_store_pair" .}}{{else}}{{template "matmul_store" .}}{{end}}
{{- define "matmul_store"}}
{{- if .Before}}
// old_c is what the sums of columns n to n+3 of row m are added to; past the end it is that
// of the last row or columns, which nobody uses: another invocation may be writing it.
fn old_c(m: u32, n: u32) -> vec4<f32> {
	let at = min(m, params.m - 1u) * params.ldc + params.off_c;
{{- if .VecOut}}
	return c[(at + min(n, params.n - 4u)) / 4u];
{{- else}}
	let last = params.n - 1u;
	return vec4<f32>(c[at + min(n, last)], c[at + min(n + 1u, last)], c[at + min(n + 2u, last)], c[at + min(n + 3u, last)]);
{{- end}}
}
{{end}}
// store_c ends the sums of columns n to n+3 of row m{{if .Before}}, to which old is added{{end}}.
fn store_c(part: u32, m: u32, n: u32, sum: vec4<f32>{{if .Before}}, old: vec4<f32>{{end}}) {
	if (m >= params.m || n >= params.n) {
		return;
	}
{{- if or .Bias (eq .Weights "Q8") (and .Add (not .VecOut) (not .Before))}}
	let columns = min(vec4<u32>(n, n + 1u, n + 2u, n + 3u), vec4<u32>(params.n - 1u));
{{- end}}
{{- if eq .Weights "Q8"}}
	let all = params.n * quads_of(params.k);
	let x = sum * vec4<f32>(row_scale(columns.x, all), row_scale(columns.y, all), row_scale(columns.z, all), row_scale(columns.w, all));
{{- else}}
	let x = sum;
{{- end}}
{{- if .Parts}}
	let at = (part * params.m + m) * params.n;
	let v = x;
{{- else}}
	let at = m * params.ldc + params.off_c;
	var v = x;
{{- if .Bias}}
	let o = params.off_bias;
	v += vec4<f32>(bias[o + columns.x], bias[o + columns.y], bias[o + columns.z], bias[o + columns.w]);
{{- end}}
{{- if .SiLU}}
	v /= vec4<f32>(1.0) + exp(-v);
{{- end}}
{{- if .Add}}
	v += {{if .Before}}old{{else if .VecOut}}c[(at + n) / 4u]{{else}}vec4<f32>(c[at + columns.x], c[at + columns.y], c[at + columns.z], c[at + columns.w]){{end}};
{{- end}}
{{- end}}
{{- if .VecOut}}
	c[(at + n) / 4u] = v;
{{- else}}
	c[at + n] = v.x;
	if (n + 1u < params.n) { c[at + n + 1u] = v.y; }
	if (n + 2u < params.n) { c[at + n + 2u] = v.z; }
	if (n + 3u < params.n) { c[at + n + 3u] = v.w; }
{{- end}}
}
{{- end}}
{{- define "matmul_store_pair"}}
// store_c ends the sums of columns n to n+3 of row m, which is even, and of the next.
fn store_c(m: u32, n: u32, first: vec4<f32>, second: vec4<f32>) {
	if (m >= params.m || n >= params.n) {
		return;
	}
{{- if or .Bias (eq .Weights "Q8")}}
	let columns = min(vec4<u32>(n, n + 1u, n + 2u, n + 3u), vec4<u32>(params.n - 1u));
{{- end}}
	var v0 = first;
	var v1 = second;
{{- if eq .Weights "Q8"}}
	let all = params.n * quads_of(params.k);
	let scale = vec4<f32>(row_scale(columns.x, all), row_scale(columns.y, all), row_scale(columns.z, all), row_scale(columns.w, all));
	v0 *= scale;
	v1 *= scale;
{{- end}}
{{- if .Bias}}
	let o = params.off_bias;
	let b = vec4<f32>(bias[o + columns.x], bias[o + columns.y], bias[o + columns.z], bias[o + columns.w]);
	v0 += b;
	v1 += b;
{{- end}}
{{- if .SiLU}}
	v0 /= vec4<f32>(1.0) + exp(-v0);
	v1 /= vec4<f32>(1.0) + exp(-v1);
{{- end}}
	let w = half_bits(v0) | (half_bits(v1) << vec4<u32>(16u));
	let at = m / 2u * params.ldc + params.off_c;
{{- if .VecOut}}
	c[(at + n) / 4u] = w;
{{- else}}
	c[at + n] = w.x;
	if (n + 1u < params.n) { c[at + n + 1u] = w.y; }
	if (n + 2u < params.n) { c[at + n + 2u] = w.z; }
	if (n + 3u < params.n) { c[at + n + 3u] = w.w; }
{{- end}}
}
{{- end}}

@compute @workgroup_size({{.Invocations}})
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let m0 = wg.y * {{.Rows}}u;
	let n0 = wg.x * {{.Columns}}u;
	let stride = quads_of(params.k);
{{- if eq .Weights "Q4"}}
	quads_all = params.n * stride;
{{- end}}
{{- if .Parts}}
	let part = (stride + {{.Quads}}u * groups.z - 1u) / ({{.Quads}}u * groups.z) * {{.Quads}}u;
	let first = wg.z * part;
	let quads = min(stride, first + part);
{{- else}}
	let first = 0u;
	let quads = stride;
{{- end}}

	// What this invocation loads: a quad of four rows, of a or w, once or more.
{{- range $g := .Guards}}
	let quad{{$g.I}} = {{$g.Quad}};
{{- range $u := $g.Loads}}
	let unit{{$u.I}} = {{$.Unit $u}};
	let row{{$u.I}} = {{$.FirstRow $u}} + unit{{$u.I}} * 4u;
{{- range $i := seq 4}}
	var load{{$u.I}}_{{$i}} = vec4<u32>(0u);
{{- end}}
{{- end}}
{{- end}}

	// What it computes: rows {{mul 4 .LanesM}}h + 4tr and columns {{mul 4 .LanesN}}j + 4tc and the three
	// after them. 32 neighbours are {{.WarpM}} x {{.WarpN}} of these.
	let slice = t / {{.Lanes}}u;
	let u = t % {{.Lanes}}u;
	let tr = u / 32u / {{div .LanesN .WarpN}}u * {{.WarpM}}u + u % 32u / {{mul 2 .WarpN}}u * 2u + u % 2u;
	let tc = u / 32u % {{div .LanesN .WarpN}}u * {{.WarpN}}u + u / 2u % {{.WarpN}}u;
{{- range $i := seq .M}}{{range $j := seq $.GroupsN}}
	var c{{$i}}_{{$j}} = vec4<f32>(0.0);
{{- end}}{{end}}

{{- define "matmul_column"}}vec4<f32>(v0.{{comp .}}, v1.{{comp .}}, v2.{{comp .}}, v3.{{comp .}}){{end}}
{{- define "matmul_load"}}
{{- range $g := .Guards}}
		if (kk + quad{{$g.I}} < quads) {
{{- range $u := $g.Loads}}
			{{if $u.Mixed}}if (t + {{$u.First}}u < {{$.UnitsA}}u) {{end}}{{if or $u.Mixed $u.A}}{
{{- range $i := seq $.A.Loads}}
				load{{$u.I}}_{{$i}} = {{if not $.A.Halves}}bitcast<vec4<u32>>{{end}}(a_quad(row{{$u.I}}, kk + quad{{$g.I}}, {{$i}}u));
{{- end}}
			}{{end}}{{if $u.Mixed}} else {{end}}{{if or $u.Mixed (not $u.A)}}{{if $u.Some}}if (t + {{$u.First}}u < {{$.Units}}u) {{end}}{
{{- range $i := seq $.W.Loads}}
				load{{$u.I}}_{{$i}} = {{if $.Strided}}{{if not $.W.Halves}}bitcast<vec4<u32>>{{end}}(w_quad(row{{$u.I}}, kk + quad{{$g.I}}, {{$i}}u)){{else}}carried(fetch(min(row{{$u.I}} + {{$i}}u, params.n - 1u) * stride + kk + quad{{$g.I}})){{end}};
{{- end}}
			}{{end}}
{{- end}}
		} else {
{{- range $u := $g.Loads}}{{range $i := seq 4}}
			load{{$u.I}}_{{$i}} = vec4<u32>(0u);
{{- end}}{{end}}
		}
{{- end}}
{{- end}}
	var kk = first;
	{{template "matmul_load" .}}
	for (var q = first; q < quads; q += {{.Quads}}u) {
		workgroupBarrier();
{{- range $g := .Guards}}{{range $u := $g.Loads}}
		{{if $u.Mixed}}if (t + {{$u.First}}u < {{$.UnitsA}}u) {{end}}{{if or $u.Mixed $u.A}}{
{{- template "operand_value" ($.A.Of $u)}}
{{- range $j := seq 4}}
			tile_a[quad{{$g.I}} / {{$.SliceQuads}}u][quad{{$g.I}} % {{$.SliceQuads}}u][{{$j}}][unit{{$u.I}} / {{$.LanesM}}u][(unit{{$u.I}} ^ (quad{{$g.I}} * {{$.TurnM}}u)) % {{$.LanesM}}u] = {{if $.TransA}}v{{$j}}{{else}}{{template "matmul_column" $j}}{{end}};
{{- end}}
		}{{end}}{{if $u.Mixed}} else {{end}}{{if or $u.Mixed (not $u.A)}}{{if $u.Some}}if (t + {{$u.First}}u < {{$.Units}}u) {{end}}{
{{- if $.Strided}}
{{- template "operand_value" ($.W.Of $u)}}
{{- else}}{{range $i := seq 4}}
			let v{{$i}} = unpack(uncarried(load{{$u.I}}_{{$i}}), min(row{{$u.I}} + {{$i}}u, params.n - 1u) * stride + kk + quad{{$g.I}});
{{- end}}{{end}}
{{- range $j := seq 4}}
			tile_w[quad{{$g.I}} / {{$.SliceQuads}}u][quad{{$g.I}} % {{$.SliceQuads}}u][{{$j}}][unit{{$u.I}} / {{$.LanesN}}u][(unit{{$u.I}} ^ (quad{{$g.I}} * {{$.TurnN}}u)) % {{$.LanesN}}u] = {{if $.TransW}}v{{$j}}{{else}}{{template "matmul_column" $j}}{{end}};
{{- end}}
		}{{end}}
{{- end}}{{end}}
		workgroupBarrier();
		kk += {{.Quads}}u;
		{{template "matmul_load" .}}
{{- range $q := seq .SliceQuads}}
		let pa{{$q}} = tr ^ ((slice * {{mul $.SliceQuads $.TurnM}}u + {{mul $q $.TurnM}}u) % {{$.LanesM}}u);
		let pw{{$q}} = tc ^ ((slice * {{mul $.SliceQuads $.TurnN}}u + {{mul $q $.TurnN}}u) % {{$.LanesN}}u);
{{- range $k := seq 4}}
		{
{{- range $h := seq $.GroupsM}}
			let a{{$h}} = tile_a[slice][{{$q}}][{{$k}}][{{$h}}][pa{{$q}}];
{{- end}}
{{- range $j := seq $.GroupsN}}
			let w{{$j}} = tile_w[slice][{{$q}}][{{$k}}][{{$j}}][pw{{$q}}];
{{- end}}
{{- range $h := seq $.GroupsM}}{{range $i := seq 4}}{{range $j := seq $.GroupsN}}
			c{{add (mul $h 4) $i}}_{{$j}} = fma(vec4<f32>(a{{$h}}.{{comp $i}}), w{{$j}}, c{{add (mul $h 4) $i}}_{{$j}});
{{- end}}{{end}}{{end}}
		}
{{- end}}
{{- end}}
	}
{{- range $h := seq .GroupsM}}
{{- if $.Before}}{{range $i := seq 4}}{{range $j := seq $.GroupsN}}
	let old{{add (mul $h 4) $i}}_{{$j}} = old_c(m0 + {{mul $h (mul 4 $.LanesM)}}u + tr * 4u + {{$i}}u, n0 + {{mul $j (mul 4 $.LanesN)}}u + tc * 4u);
{{- end}}{{end}}{{end}}
{{- range $i := seq 4}}{{range $j := seq $.GroupsN}}
{{- if gt $.Slices 1}}
	workgroupBarrier();
	sums[slice][u] = c{{add (mul $h 4) $i}}_{{$j}};
	workgroupBarrier();
	if (slice == {{mod (add (mul (add (mul $h 4) $i) $.GroupsN) $j) $.Slices}}u) {
		var sum = sums[0][u];
{{- range $s := seq (sub $.Slices 1)}}
		sum += sums[{{add $s 1}}][u];
{{- end}}
		store_c(wg.z, m0 + {{mul $h (mul 4 $.LanesM)}}u + tr * 4u + {{$i}}u, n0 + {{mul $j (mul 4 $.LanesN)}}u + tc * 4u, sum);
	}
{{- else if $.HalvesC}}
{{- if not (mod $i 2)}}
	store_c(m0 + {{mul $h (mul 4 $.LanesM)}}u + tr * 4u + {{$i}}u, n0 + {{mul $j (mul 4 $.LanesN)}}u + tc * 4u, c{{add (mul $h 4) $i}}_{{$j}}, c{{add (mul $h 4) $i 1}}_{{$j}});
{{- end}}
{{- else}}
	store_c(wg.z, m0 + {{mul $h (mul 4 $.LanesM)}}u + tr * 4u + {{$i}}u, n0 + {{mul $j (mul 4 $.LanesN)}}u + tc * 4u, c{{add (mul $h 4) $i}}_{{$j}}{{if $.Before}}, old{{add (mul $h 4) $i}}_{{$j}}{{end}});
{{- end}}
{{- end}}{{end}}{{end}}
}
