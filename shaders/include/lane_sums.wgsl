{{/* Products of some rows of activations with a weight matrix where tiles that go
through workgroup memory would be too few, and wait too long at their barriers, to
fill a GPU.

{{.Lanes}} invocations, the lanes, have the same M rows and N columns and each a share of
k: blocks l, l + Lanes and so on. Near of them are neighbours, so that together they read
whole lines of weights; those beside them have other columns and the same activations. No
invocation waits for another before the end, and what several read comes from the cache.
A block is Planes quads of weights, in Words words. The lanes' sums meet in workgroup
memory, Pass of an invocation at a time.

lane_memory declares it. lane_sums runs the sums, of a workgroup whose tile begins at
(top, left). With Norm, operands are multiplied by small, which starts with the gain of
the rows, and row_rms(i) is the factor that normalises row i of the tile, of which each
invocation squares a share. lane_ends calls ended(m, n, i, sum) for every sum, n being a
column, m a row and i its place in the tile; of integers of 8 bits a sum is yet to be
multiplied by lane_row_scale(n). With Early, ended also takes early(m, n), which loads what
else it needs: all of that is on its way before the first sums meet. */}}
{{define "lane_type"}}{{if eq .Words 4}}vec4<u32>{{else if eq .Words 2}}vec2<u32>{{else}}u32{{end}}{{end}}
{{define "lane_memory"}}
// word is word i of the weights.
{{- if ne .Weights "F32"}}
fn word(i: u32) -> u32 {
	return {{if eq .Words 1}}w[i]{{else}}w[i / {{.Words}}u][i % {{.Words}}u]{{end}};
}
{{- end}}
{{- if eq .Weights "F16"}}

fn halves(lo: u32, hi: u32) -> vec4<f32> {
	return vec4<f32>(unpack2x16float(lo), unpack2x16float(hi));
}
{{- else if eq .Weights "BF16"}}

fn halves(lo: u32, hi: u32) -> vec4<f32> {
	return bitcast<vec4<f32>>(vec4<u32>(lo << 16u, lo & 0xffff0000u, hi << 16u, hi & 0xffff0000u));
}
{{- else if eq .Weights "Q8"}}

// lane_bytes is the signed bytes of a word. Bits or'd to those of the power of two at
// whose lowest bits they lie are its sum with them, so that one subtraction, no slow
// conversion, makes a float of it.
fn lane_bytes(word: u32) -> vec4<f32> {
	let high = word >> 16u;
	let bits = vec4<u32>(word & 0xffu, word & 0xff00u, high & 0xffu, high & 0xff00u) ^ vec4<u32>(0x4b000080u, 0x47008000u, 0x4b000080u, 0x47008000u);
	return bitcast<vec4<f32>>(bits) - vec4<f32>(8388736.0, 32896.0, 8388736.0, 32896.0);
}

fn lane_row_scale(n: u32) -> f32 {
	return bitcast<f32>(word({{mul .All .Stride .Words}}u + n));
}
{{- else if eq .Weights "Q4"}}

// lane_nibbles is the lower halves of a word's bytes, less 8. Bits or'd to those of the
// power of two at whose lowest bits they lie are its sum with them, so that one
// subtraction, no slow conversion, makes a float of it.
fn lane_nibbles(word: u32) -> vec4<f32> {
	let bits = vec4<u32>(word & 0xfu, word & 0xf00u, word & 0xf0000u, (word >> 8u) & 0xf0000u) | vec4<u32>(0x4b000000u, 0x47000000u, 0x43000000u, 0x43000000u);
	return bitcast<vec4<f32>>(bits) - vec4<f32>(8388616.0, 32776.0, 136.0, 136.0);
}

// lane_scale is the scale of block i, counted over all rows.
fn lane_scale(i: u32) -> f32 {
	let group = i / {{div 8 .Planes}}u;
	let scales = unpack2x16float(word({{mul .All .Stride .Words}}u + group / 2u));
	return select(scales.x, scales.y, (group & 1u) != 0u);
}
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

{{/* lane_quad is quad h of the block of column j. */}}
{{define "lane_quad"}}
{{- $h := index .At 1}}{{$j := index .At 0}}
{{- if eq .Weights "F32"}}bitcast<vec4<f32>>(raw{{$j}})
{{- else if .Halves}}halves(raw{{$j}}.{{comp (mul $h 2)}}, raw{{$j}}.{{comp (add (mul $h 2) 1)}})
{{- else if eq .Weights "Q8"}}lane_bytes(raw{{$j}}{{if gt .Words 1}}.{{comp $h}}{{end}})
{{- else}}(lane_nibbles(raw{{$j}}{{if gt .Words 1}}.{{comp (div $h 2)}}{{end}}{{if mod $h 2}} >> 4u{{end}}) * scale{{$j}})
{{- end}}
{{- end}}

{{/* lane_gain is the gain of a quad, and the squares of it. */}}
{{define "lane_gain"}}
{{- $at := "near"}}{{if .Whole}}{{$at = "quad"}}{{end}}
			let gain = vec4<f32>(small[{{$at}} * 4u], small[{{$at}} * 4u + 1u], small[{{$at}} * 4u + 2u], small[{{$at}} * 4u + 3u]);
{{- range $o := seq .Own}}
			let x{{$o}} = a[own{{$o}} + {{$at}}]{{if not $.Whole}} * some{{end}};
			q{{$o}} = fma(x{{$o}}, x{{$o}}, q{{$o}});
{{- end}}
{{- end}}

{{define "lane_sums"}}
	let lane = t % {{.Near}}u{{if gt .Far 1}} + t / {{mul .Near .Places}}u * {{.Near}}u{{end}};
	let place = t / {{.Near}}u{{if gt .Far 1}} % {{.Places}}u{{end}};
	let slot = {{if gt .Far 1}}place * {{.Lanes}}u + lane{{else}}t{{end}};
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
	for (var first = 0u; first < {{.Blocks}}u; first += {{.Lanes}}u) {
		let block = {{if .Whole}}first + lane{{else}}min(first + lane, {{sub .Blocks 1}}u){{end}};
{{- range $j := seq .N}}
		let raw{{$j}} = w[column{{$j}} + block];
{{- if eq $.Weights "Q4"}}
		let scale{{$j}} = lane_scale(column{{$j}} + block);
{{- end}}
{{- end}}
{{- range $h := seq .Planes}}
		{
			let quad = {{if eq $.Planes 1}}block{{else}}block * {{$.Planes}}u + {{$h}}u{{end}};
{{- if not $.Whole}}
			let some = select(0.0, 1.0, first + lane < {{$.Blocks}}u{{if gt $.Planes 1}} && quad < {{$.Quads}}u{{end}});
			let near = min(quad, {{sub $.Quads 1}}u);
{{- end}}
{{- $at := "near"}}{{if $.Whole}}{{$at = "quad"}}{{end}}
{{- if and $.Norm $.Few}}{{template "lane_gain" $}}{{end}}
{{- range $i := seq $.M}}
			let a{{$i}} = a[row{{$i}} + {{$at}}]{{if not $.Whole}} * some{{end}}{{if and $.Norm $.Few}} * gain{{end}};
{{- end}}
{{- if and $.Norm (not $.Few)}}{{template "lane_gain" $}}{{end}}
{{- range $j := seq $.N}}
			let w{{$j}} = {{template "lane_quad" ($.Quad $j $h)}}{{if and $.Norm (not $.Few)}} * gain{{end}};
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
	squares[{{mul $o $.Invocations}}u + slot] = (q{{$o}}.x + q{{$o}}.y) + (q{{$o}}.z + q{{$o}}.w);
{{- end}}{{end}}
	// An invocation ends one sum at a time, if any: s, of row i and column n.
	let at = t % {{.Places}}u;
{{- range $p := seq (div (mul .M .N) .Pass)}}
	let s{{$p}} = {{mul $p $.Pass}}u + t / {{$.Places}}u;
	let i{{$p}} = at / {{$.PlacesN}}u + s{{$p}} / {{$.N}}u * {{$.PlacesM}}u;
	let n{{$p}} = left + at % {{$.PlacesN}}u + s{{$p}} % {{$.N}}u * {{$.PlacesN}}u;
{{- if $.Early}}
	let early{{$p}} = early(min(top + i{{$p}}, params.m - 1u), min(n{{$p}}, {{sub $.All 1}}u));
{{- end}}
{{- end}}
{{- range $p := seq (div (mul .M .N) .Pass)}}
{{- if $p}}
	workgroupBarrier();
{{- end}}
{{- range $e := seq $.Pass}}{{$s := add (mul $p $.Pass) $e}}
	shares[{{mul $e $.Invocations}}u + slot] = s{{div $s $.N}}_{{mod $s $.N}};
{{- end}}
	workgroupBarrier();
	// The lanes are taken in turns that differ by place, so that neighbours read different banks.
	if (t < {{mul $.Pass $.Places}}u) {
		let base = t / {{$.Places}}u * {{$.Invocations}}u + at * {{$.Lanes}}u;
		let turn = at * {{$.Lanes}}u / 32u;
		var sum = 0.0;
{{- range $l := seq $.Lanes}}
		sum += shares[base + (turn + {{$l}}u) % {{$.Lanes}}u];
{{- end}}
		if (top + i{{$p}} < params.m && n{{$p}} < {{$.All}}u) {
			ended(top + i{{$p}}, n{{$p}}, i{{$p}}, sum{{if $.Early}}, early{{$p}}{{end}});
		}
	}
{{- end}}
{{- end}}
