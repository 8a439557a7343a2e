// matmul: a matrix product with a weight matrix, for many rows.
//
//   c[m*ldc + off_c + n] = sum_k a[m*lda + off_a + k] * w[n,k] + bias[off_bias + n]
//
// Each workgroup owns a square tile of c ({{.Tile}} x {{.Tile}}) and walks k
// in steps of 16. The parts of a and w that a step needs lie transposed in
// workgroup memory; those of the next step are loaded into registers while
// this one is computed. Every invocation keeps {{mul .Quads 4}} x {{mul .Quads 4}} sums in named registers.
//
// In      a (m, k) with leading dimension lda; w (n, k), padded rows; bias (off_bias + n)
// Out     c (m, n) with leading dimension ldc
// Grid    (ceil(n/{{.Tile}}), ceil(m/{{.Tile}})); 256 invocations
// Memory  {{mul .Tile 128}} bytes
// Tail    rows past the end repeat the last one and are not written; columns
//         past k are zero
// Twin    cpu/matmul.go
struct Params { m: u32, n: u32, k: u32, lda: u32, off_a: u32, ldc: u32, off_c: u32, off_bias: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<{{template "activation_type" .}}>; // (m, k)
@group(0) @binding(2) var<storage, read> w: array<{{template "weight_type" .}}>;     // (n, k)
@group(0) @binding(3) var<storage, read> bias: array<f32>;                           // (off_bias + n)
@group(0) @binding(4) var<storage, read_write> c: array<{{if .VecOut}}vec4<f32>{{else}}f32{{end}}>; // (m, n)
{{template "weight_load" .}}
{{template "activation_load" .}}

// tiles holds 16 columns of a's rows, then of w's: tiles[k][row/4], four rows
// to a vector. A vector's place is row/4 xor 2*(k/4), so that the transposing
// stores of neighbouring invocations fall into different banks.
var<workgroup> tiles: array<vec4<f32>, {{mul .Tile 8}}>;
{{$half := div .Tile 4}}
fn store_c(m: u32, n: u32, sum: vec4<f32>) {
	if (m >= params.m || n >= params.n) {
		return;
	}
	let last = params.n - 1u;
{{- if eq .Weights "Q8"}}
	let all = params.n * quads_of(params.k);
	let v = sum * vec4<f32>(row_scale(n, all), row_scale(min(n + 1u, last), all), row_scale(min(n + 2u, last), all), row_scale(min(n + 3u, last), all));
{{- else}}
	let v = sum;
{{- end}}
{{- if .Bias}}
	let o = params.off_bias;
	let s = v + vec4<f32>(bias[n + o], bias[min(n + 1u, last) + o], bias[min(n + 2u, last) + o], bias[min(n + 3u, last) + o]);
{{- else}}
	let s = v;
{{- end}}
	let i = m * params.ldc + params.off_c + n;
{{- if .VecOut}}
	c[i / 4u] = s;
{{- else}}
	c[i] = s.x;
	if (n + 1u < params.n) { c[i + 1u] = s.y; }
	if (n + 2u < params.n) { c[i + 2u] = s.z; }
	if (n + 3u < params.n) { c[i + 3u] = s.w; }
{{- end}}
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let m0 = wg.y * {{.Tile}}u;
	let n0 = wg.x * {{.Tile}}u;
	let quads = quads_of(params.k);
{{- if eq .Weights "Q4"}}
	quads_all = params.n * quads;
{{- end}}

	// The first {{.Tile}} invocations load a, the next {{.Tile}} w: four rows of
	// one group of four columns each.
	let loads_a = t < {{.Tile}}u;
	let loads_w = !loads_a && t < {{mul .Tile 2}}u;
	let rq = (t % {{.Tile}}u) / 4u;
	let kq = t % 4u;
	let last_row = select(params.n, params.m, loads_a) - 1u;
	let first = select(n0, m0, loads_a) + rq * 4u;
{{- range $i := seq 4}}
	let row{{$i}} = min(first + {{$i}}u, last_row);
	var g{{$i}} = vec4<f32>(0.0);
{{- end}}
	let dst = select({{mul 16 $half}}u, 0u, loads_a) + kq * {{mul 4 $half}}u + (rq ^ (kq * 2u));

	let tr = t / 16u;
	let tc = t % 16u;
{{- range $i := seq (mul .Quads 4)}}{{range $j := seq $.Quads}}
	var c{{$i}}_{{$j}} = vec4<f32>(0.0);
{{- end}}{{end}}

{{- define "matmul_load"}}
		if (kk < quads) {
			if (loads_a) {
{{- range $i := seq 4}}
				g{{$i}} = activation(row{{$i}}, kk);
{{- end}}
			} else if (loads_w) {
{{- range $i := seq 4}}
				g{{$i}} = weight(row{{$i}} * quads + kk);
{{- end}}
			}
		} else {
{{- range $i := seq 4}}
			g{{$i}} = vec4<f32>(0.0);
{{- end}}
		}
{{- end}}
	var kk = kq;
	{{template "matmul_load" .}}
	for (var q = 0u; q < quads; q += 4u) {
		workgroupBarrier();
		if (loads_a || loads_w) {
{{- range $j := seq 4}}
			tiles[dst + {{mul $j $half}}u] = vec4<f32>(g0.{{comp $j}}, g1.{{comp $j}}, g2.{{comp $j}}, g3.{{comp $j}});
{{- end}}
		}
		workgroupBarrier();
		kk += 4u;
		{{template "matmul_load" .}}
{{- range $k := seq 16}}
		{
{{- range $h := seq $.Quads}}
			let a{{$h}} = tiles[{{mul $k $half}}u + (tr ^ {{mul (div $k 4) 2}}u){{if $h}} + 16u{{end}}];
			let b{{$h}} = tiles[{{mul (add $k 16) $half}}u + (tc ^ {{mul (div $k 4) 2}}u){{if $h}} + 16u{{end}}];
{{- end}}
{{- range $h := seq $.Quads}}{{range $i := seq 4}}{{range $j := seq $.Quads}}
			c{{add (mul $h 4) $i}}_{{$j}} = fma(vec4<f32>(a{{$h}}.{{comp $i}}), b{{$j}}, c{{add (mul $h 4) $i}}_{{$j}});
{{- end}}{{end}}{{end}}
		}
{{- end}}
	}
{{- range $h := seq .Quads}}{{range $i := seq 4}}{{range $j := seq $.Quads}}
	store_c(m0 + {{mul $h 64}}u + tr * 4u + {{$i}}u, n0 + {{mul $j 64}}u + tc * 4u, c{{add (mul $h 4) $i}}_{{$j}});
{{- end}}{{end}}{{end}}
}
