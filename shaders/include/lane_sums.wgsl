{{/* Products of some rows of activations with a weight matrix where tiles whose weights
go through workgroup memory would be too few, and wait too long at their barriers, to
fill a GPU.

{{.Lanes}} neighbouring invocations, the lanes, have the same M rows and N columns and each a
share of k: quads l, l + Lanes and so on, so that together they read whole lines of the
weights, which are on their way one turn ahead. The rows' next Chunk quads lie in
workgroup memory; those after them are on their way to registers. In the end the
lanes' sums meet in the same memory, Pass of an invocation at a time.

lane_memory declares it. lane_sums runs the sums, of a workgroup whose tile begins at
(top, left). With Norm, rows are multiplied by small, which starts with their gain,
and row_rms(i) is the factor that normalises row i of the tile. lane_ends calls
ended(m, n, i, sum) for every sum, n being a column, m a row and i its place in the
tile. */}}
{{define "lane_memory"}}
var<workgroup> pool: array<vec4<f32>, {{.Pool}}>; // [row][quad], then sums [sum][place][lane]
{{- if .Norm}}
var<workgroup> squares: array<f32, {{.Invocations}}>; // [row][invocation]

fn row_rms(i: u32) -> f32 {
	var sum = squares[i * {{.Loaders}}u];
{{- range $l := seq .Loaders}}{{if $l}}
	sum += squares[i * {{$.Loaders}}u + {{$l}}u];
{{- end}}{{end}}
	return 1.0 / sqrt(sum / {{.K}}.0 + params.eps);
}
{{- end}}
{{- end}}

{{define "lane_weights"}}
{{- range $j := seq .N}}
			next_w{{$j}} = fetch(column{{$j}} + {{if $.Whole}}quad{{else}}min(quad, {{sub $.Quads 1}}u){{end}});
{{- end}}
{{- end}}

{{define "lane_rows"}}
{{- range $s := seq .Stages}}
			next{{$s}} = a[own + {{if $.Whole}}start + loader + {{mul $s $.Loaders}}u{{else}}min(start + loader + {{mul $s $.Loaders}}u, {{sub $.Quads 1}}u){{end}}];
{{- end}}
{{- end}}

{{define "lane_sums"}}
	let lane = t % {{.Lanes}}u;
	let place = t / {{.Lanes}}u;
	let top = wg.y * {{.Rows}}u;
	let left = wg.x * {{.Columns}}u;
{{- range $j := seq .N}}
	let column{{$j}} = min(left + place % {{$.PlacesN}}u + {{mul $j $.PlacesN}}u, {{sub $.All 1}}u) * {{$.Stride}}u;
	var next_w{{$j}}: {{template "weight_raw" $}};
{{- end}}
{{- range $i := seq .M}}{{range $j := seq $.N}}
	var s{{$i}}_{{$j}} = 0.0;
{{- end}}{{end}}
{{- if eq .Weights "Q4"}}
	quads_all = {{mul .All .Stride}}u;
{{- end}}
	// {{.Loaders}} invocations bring a row to workgroup memory.
	let loader = t % {{.Loaders}}u;
	let own = (min(top + t / {{.Loaders}}u, params.m - 1u) * {{.LDA}}u + {{.OffA}}u) / 4u;
{{- range $s := seq .Stages}}
	var next{{$s}}: vec4<f32>;
{{- end}}
{{- if .Norm}}
	var q = vec4<f32>(0.0);
{{- end}}
	var quad = lane;
	{
		let start = 0u;
		{{template "lane_weights" .}}
		{{template "lane_rows" .}}
	}
	for (var at = 0u; at < {{.Quads}}u; at += {{.Chunk}}u) {
		workgroupBarrier();
{{- range $s := seq .Stages}}
		{
			let k = at + loader + {{mul $s $.Loaders}}u;
			let v = {{if $.Whole}}next{{$s}}{{else}}select(vec4<f32>(0.0), next{{$s}}, k < {{$.Quads}}u){{end}};
{{- if $.Norm}}
			let g = {{if $.Whole}}k{{else}}min(k, {{sub $.Quads 1}}u){{end}} * 4u;
			q = fma(v, v, q);
			pool[t / {{$.Loaders}}u * {{$.Chunk}}u + loader + {{mul $s $.Loaders}}u] = v * vec4<f32>(small[g], small[g + 1u], small[g + 2u], small[g + 3u]);
{{- else}}
			pool[t / {{$.Loaders}}u * {{$.Chunk}}u + loader + {{mul $s $.Loaders}}u] = v;
{{- end}}
		}
{{- end}}
		workgroupBarrier();
		if (at + {{.Chunk}}u < {{.Quads}}u) {
			let start = at + {{.Chunk}}u;
			{{template "lane_rows" .}}
		}
		let base = place / {{.PlacesN}}u * {{.Chunk}}u + lane;
{{- range $o := seq (div .Chunk .Lanes)}}
		{
{{- range $j := seq $.N}}
			let w{{$j}} = unpack(next_w{{$j}}, column{{$j}} + {{if $.Whole}}quad{{else}}min(quad, {{sub $.Quads 1}}u){{end}});
{{- end}}
			quad += {{$.Lanes}}u;
			if (at + {{mul (add $o 1) $.Lanes}}u < {{$.Quads}}u) {
				{{template "lane_weights" $}}
			}
{{- range $i := seq $.M}}
			let a{{$i}} = pool[base + {{add (mul $i $.PlacesM $.Chunk) (mul $o $.Lanes)}}u];
{{- range $k := seq 4}}{{range $j := seq $.N}}
			s{{$i}}_{{$j}} = fma(a{{$i}}.{{comp $k}}, w{{$j}}.{{comp $k}}, s{{$i}}_{{$j}});
{{- end}}{{end}}{{end}}
		}
{{- end}}
	}
{{- if .Norm}}
	squares[t] = (q.x + q.y) + (q.z + q.w);
{{- end}}
{{- end}}

{{define "lane_ends"}}
{{- range $p := seq (div (mul .M .N) .Pass)}}
	workgroupBarrier();
{{- range $e := seq $.Pass}}{{$s := add (mul $p $.Pass) $e}}
	pool[(t + {{mul $e $.Invocations}}u) / 4u][t % 4u] = s{{div $s $.N}}_{{mod $s $.N}};
{{- end}}
	workgroupBarrier();
	// The lanes are taken in turns that differ by place, so that neighbours read different banks.
	for (var r = t; r < {{mul $.Pass $.Places}}u; r += {{$.Invocations}}u) {
		let at = r % {{$.Places}}u;
		let base = r / {{$.Places}}u * {{$.Invocations}}u + at * {{$.Lanes}}u;
		let turn = at * {{$.Lanes}}u / 32u;
		var sum = 0.0;
{{- range $l := seq $.Lanes}}
		{
			let i = base + (turn + {{$l}}u) % {{$.Lanes}}u;
			sum += pool[i / 4u][i % 4u];
		}
{{- end}}
		let s = {{mul $p $.Pass}}u + r / {{$.Places}}u;
		let i = at / {{$.PlacesN}}u + s / {{$.N}}u * {{$.PlacesM}}u;
		let n = left + at % {{$.PlacesN}}u + s % {{$.N}}u * {{$.PlacesN}}u;
		if (top + i < params.m && n < {{$.All}}u) {
			ended(top + i, n, i, sum);
		}
	}
{{- end}}
{{- end}}
