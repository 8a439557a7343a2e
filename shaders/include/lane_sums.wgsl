{{/* Products of some rows of activations with a weight matrix where tiles that go
through workgroup memory would be too few, and wait too long at their barriers, to
fill a GPU.

{{.Lanes}} neighbouring invocations, the lanes, have the same M rows and N columns and each a
share of k: blocks l, l + Lanes and so on, so that together they read whole lines. No
invocation waits for another before the end, and what several read comes from the
cache. A block is 16 bytes of weights of 16 bits, or a quad of others. The lanes' sums
meet in workgroup memory, Pass of an invocation at a time.

lane_memory declares it. lane_sums runs the sums, of a workgroup whose tile begins at
(top, left). With Norm, weights are multiplied by small, which starts with the gain of
the rows, and row_rms(i) is the factor that normalises row i of the tile, of which
each invocation squares a share. lane_ends calls ended(m, n, i, sum) for every sum, n
being a column, m a row and i its place in the tile. */}}
{{define "lane_type"}}{{if .Halves}}vec4<u32>{{else}}{{template "weight_type" .}}{{end}}{{end}}
{{define "lane_memory"}}
{{- if .Halves}}
fn halves(lo: u32, hi: u32) -> vec4<f32> {
{{- if eq .Weights "F16"}}
	return vec4<f32>(unpack2x16float(lo), unpack2x16float(hi));
{{- else}}
	return bitcast<vec4<f32>>(vec4<u32>(lo << 16u, lo & 0xffff0000u, hi << 16u, hi & 0xffff0000u));
{{- end}}
}
{{- else}}
{{template "weight_load" .}}
{{- end}}

var<workgroup> shares: array<f32, {{mul .Pass .Invocations}}>; // [sum][place][lane]
{{- if .Norm}}
var<workgroup> squares: array<f32, {{mul .Own .Invocations}}>; // [row][lane]

fn row_rms(i: u32) -> f32 {
	var sum = squares[i * {{.Lanes}}u];
{{- range $l := seq .Lanes}}{{if $l}}
	sum += squares[i * {{$.Lanes}}u + {{$l}}u];
{{- end}}{{end}}
	return 1.0 / sqrt(sum / {{.K}}.0 + params.eps);
}
{{- end}}
{{- end}}

{{define "lane_sums"}}
	let lane = t % {{.Lanes}}u;
	let place = t / {{.Lanes}}u;
	let top = wg.y * {{.Rows}}u;
	let left = wg.x * {{.Columns}}u;
{{- range $i := seq .M}}
	let row{{$i}} = (min(top + place / {{$.PlacesN}}u + {{mul $i $.PlacesM}}u, params.m - 1u) * {{$.LDA}}u + {{$.OffA}}u) / 4u;
{{- end}}
{{- range $j := seq .N}}
	let column{{$j}} = min(left + place % {{$.PlacesN}}u + {{mul $j $.PlacesN}}u, {{sub $.All 1}}u) * {{$.Stride}}u;
{{- end}}
{{- range $i := seq .M}}{{range $j := seq $.N}}
	var s{{$i}}_{{$j}} = 0.0;
{{- end}}{{end}}
{{- if .Norm}}{{range $o := seq .Own}}
	let own{{$o}} = (min(top + min(place + {{mul $o $.Places}}u, {{sub $.Rows 1}}u), params.m - 1u) * {{$.LDA}}u + {{$.OffA}}u) / 4u;
	var q{{$o}} = vec4<f32>(0.0);
{{- end}}{{end}}
{{- if eq .Weights "Q4"}}
	quads_all = {{mul .All .Stride}}u;
{{- end}}
	for (var first = 0u; first < {{.Blocks}}u; first += {{.Lanes}}u) {
		let block = {{if .Whole}}first + lane{{else}}min(first + lane, {{sub .Blocks 1}}u){{end}};
{{- range $j := seq .N}}
		let raw{{$j}} = {{if $.Halves}}w[column{{$j}} + block]{{else}}fetch(column{{$j}} + block){{end}};
{{- end}}
{{- range $h := seq .Planes}}
		{
			let quad = {{if eq $.Planes 1}}block{{else}}block * {{$.Planes}}u + {{$h}}u{{end}};
{{- if not $.Whole}}
			let some = select(0.0, 1.0, first + lane < {{$.Blocks}}u{{if gt $.Planes 1}} && quad < {{$.Quads}}u{{end}});
			let near = min(quad, {{sub $.Quads 1}}u);
{{- end}}
{{- $at := "near"}}{{if $.Whole}}{{$at = "quad"}}{{end}}
{{- range $i := seq $.M}}
			let a{{$i}} = a[row{{$i}} + {{$at}}]{{if not $.Whole}} * some{{end}};
{{- end}}
{{- if $.Norm}}
			let gain = vec4<f32>(small[{{$at}} * 4u], small[{{$at}} * 4u + 1u], small[{{$at}} * 4u + 2u], small[{{$at}} * 4u + 3u]);
{{- range $o := seq $.Own}}
			let x{{$o}} = a[own{{$o}} + {{$at}}]{{if not $.Whole}} * some{{end}};
			q{{$o}} = fma(x{{$o}}, x{{$o}}, q{{$o}});
{{- end}}{{end}}
{{- range $j := seq $.N}}
			let w{{$j}} = {{if $.Halves}}halves(raw{{$j}}.{{comp (mul $h 2)}}, raw{{$j}}.{{comp (add (mul $h 2) 1)}}){{else}}unpack(raw{{$j}}, column{{$j}} + block){{end}}{{if $.Norm}} * gain{{end}};
{{- end}}
{{- range $k := seq 4}}{{range $i := seq $.M}}{{range $j := seq $.N}}
			s{{$i}}_{{$j}} = fma(a{{$i}}.{{comp $k}}, w{{$j}}.{{comp $k}}, s{{$i}}_{{$j}});
{{- end}}{{end}}{{end}}
		}
{{- end}}
	}
{{- end}}

{{define "lane_ends"}}
{{- if .Norm}}{{range $o := seq .Own}}
	squares[{{mul $o $.Invocations}}u + t] = (q{{$o}}.x + q{{$o}}.y) + (q{{$o}}.z + q{{$o}}.w);
{{- end}}{{end}}
{{- range $p := seq (div (mul .M .N) .Pass)}}
{{- if $p}}
	workgroupBarrier();
{{- end}}
{{- range $e := seq $.Pass}}{{$s := add (mul $p $.Pass) $e}}
	shares[{{mul $e $.Invocations}}u + t] = s{{div $s $.N}}_{{mod $s $.N}};
{{- end}}
	workgroupBarrier();
	// The lanes are taken in turns that differ by place, so that neighbours read different banks.
	for (var r = t; r < {{mul $.Pass $.Places}}u; r += {{$.Invocations}}u) {
		let at = r % {{$.Places}}u;
		let base = r / {{$.Places}}u * {{$.Invocations}}u + at * {{$.Lanes}}u;
		let turn = at * {{$.Lanes}}u / 32u;
		var sum = 0.0;
{{- range $l := seq $.Lanes}}
		sum += shares[base + (turn + {{$l}}u) % {{$.Lanes}}u];
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
