{{/* Products of rows of weights with {{.Rows}} rows of activations, where reading
the weights is all the work.

Weights are read in blocks of 16 bytes: 4, 8, 16 or 32 columns. Lanes invocations
share Each rows of weights and take turns at their blocks, Loads of each row on
their way at a time, the first before anything else happens. The activations of
Chunk blocks lie in workgroup memory, quad j of every block together, so that
neighbouring lanes read neighbouring vectors; past a row's end they are zero.

row_activation declares activation(row, q), quad q of a row of a; row_gain norm_quad(q),
quad q of the gain, which lies at the start of small in in_proj_step. Neither reads past
a row's end, since a trusted module checks no index.
row_blocks declares the memory and block_part<j>(x), quad j of a block; of integers
block_offset<j>(x) is the quad plus the constant block_offset, which takes less.
row_dots runs the sums, row_sum(r, m) and row_scale(m) are for what follows it. */}}
{{define "row_activation"}}
// activation is four elements of a row of a, zeros past its end.
fn activation(row: u32, q: u32) -> vec4<f32> {
{{- if .Vec}}
	if (q >= {{div .K 4}}u) {
		return vec4<f32>(0.0);
	}
	return a[row * {{div .LDA 4}}u + {{div .OffA 4}}u + q];
{{- else}}
	let k = q * 4u;
	let i = row * {{.LDA}}u + {{.OffA}}u;
	return vec4<f32>(
{{- range $j := seq 4}}{{if $j}},{{end}}
		select(0.0, a[i + min(k + {{$j}}u, {{sub $.K 1}}u)], k + {{$j}}u < {{$.K}}u)
{{- end}});
{{- end}}
}
{{- end}}

{{define "gain_type"}}{{if .VecGain}}vec4<f32>{{else}}f32{{end}}{{end}}

{{define "row_gain"}}{{$gain := "gain"}}{{if .Conv}}{{$gain = "small"}}{{end}}
// norm_quad is four elements of the gain, past its end any of it.
fn norm_quad(q: u32) -> vec4<f32> {
{{- if .VecGain}}
	return {{$gain}}[min(q, {{sub (div .K 4) 1}}u)];
{{- else if .Vec}}
	let k = min(q * 4u, {{sub .K 4}}u);
	return vec4<f32>({{$gain}}[k], {{$gain}}[k + 1u], {{$gain}}[k + 2u], {{$gain}}[k + 3u]);
{{- else}}
	let k = min(vec4<u32>(q * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>({{sub .K 1}}u));
	return vec4<f32>({{$gain}}[k.x], {{$gain}}[k.y], {{$gain}}[k.z], {{$gain}}[k.w]);
{{- end}}
}
{{- end}}

{{define "block_offset"}}{{if eq .Weights "Q8"}}384.0{{else}}72.0{{end}}{{end}}

{{define "row_blocks"}}
{{- if eq .Weights "F16"}}
fn halves(lo: u32, hi: u32) -> vec4<f32> {
	return vec4<f32>(unpack2x16float(lo), unpack2x16float(hi));
}
{{- else if eq .Weights "BF16"}}
fn halves(lo: u32, hi: u32) -> vec4<f32> {
	return bitcast<vec4<f32>>(vec4<u32>(lo << 16u, lo & 0xffff0000u, hi << 16u, hi & 0xffff0000u));
}
{{- else if eq .Weights "Q8" "Q4"}}
// A conversion from integers is slow. An integer in the mantissa of a float is that
// number plus the power of two that the exponent says, exactly. In a float32 it may lie
// where it lies in its word, and a subtraction takes off the power. Of float16 a
// conversion makes two at once, and the power is small enough to stay in the products.
{{- if eq .Weights "Q8"}}

// signed_bytes is the bytes of a word.
fn signed_bytes(word: u32) -> vec4<f32> {
	let q = word >> 9u;
	let bits = vec4<u32>((word & 0xffu) ^ 0x4b000080u, (word & 0xff00u) ^ 0x47008000u, (q & 0x7f80u) ^ 0x47804000u, (q & 0x7f8000u) ^ 0x43c00000u);
	return bitcast<vec4<f32>>(bits) - vec4<f32>(8388736.0, 32896.0, 65664.0, 384.0);
}

// offset_bytes is the bytes of a word, plus 384: 256 and what the sign bit's flip adds.
fn offset_bytes(word: u32) -> vec4<f32> {
	let even = unpack2x16float(((word << 2u) & 0x03fc03fcu) ^ 0x5e005e00u);
	let odd = unpack2x16float(((word >> 6u) & 0x03fc03fcu) ^ 0x5e005e00u);
	return vec4<f32>(even.x, odd.x, even.y, odd.y);
}
{{- else}}

// low_nibbles is the lower halves of a word's bytes, less 8.
fn low_nibbles(word: u32) -> vec4<f32> {
	let q = word >> 12u;
	let bits = vec4<u32>((word & 0xfu) | 0x4b000000u, (word & 0xf00u) | 0x47000000u, (word & 0xf0000u) | 0x43000000u, (q & 0xf000u) | 0x45000000u);
	return bitcast<vec4<f32>>(bits) - vec4<f32>(8388616.0, 32776.0, 136.0, 2056.0);
}

// high_nibbles is the upper halves of a word's bytes, less 8.
fn high_nibbles(word: u32) -> vec4<f32> {
	let q = word >> 12u;
	let bits = vec4<u32>((word & 0xf0u) | 0x49000000u, (word & 0xf000u) | 0x45000000u, (q & 0xf00u) | 0x47000000u, (q & 0xf0000u) | 0x43000000u);
	return bitcast<vec4<f32>>(bits) - vec4<f32>(524296.0, 2056.0, 32776.0, 136.0);
}

// offset_nibbles is the upper halves of a word's bytes, less 8, plus 72.
fn offset_nibbles(word: u32) -> vec4<f32> {
	let even = unpack2x16float((word & 0x00f000f0u) | 0x54005400u);
	let odd = unpack2x16float(((word >> 8u) & 0x00f000f0u) | 0x54005400u);
	return vec4<f32>(even.x, odd.x, even.y, odd.y);
}
{{- end}}
{{- end}}
{{- range $j := seq .Planes}}

fn block_part{{$j}}(x: vec4<u32>) -> vec4<f32> {
{{- if eq $.Weights "F32"}}
	return bitcast<vec4<f32>>(x);
{{- else if eq $.Weights "F16" "BF16"}}
	return halves(x.{{comp (mul $j 2)}}, x.{{comp (add (mul $j 2) 1)}});
{{- else if eq $.Weights "Q8"}}
	return signed_bytes(x.{{comp $j}});
{{- else}}
	return {{if mod $j 2}}high{{else}}low{{end}}_nibbles(x.{{comp (div $j 2)}});
{{- end}}
}
{{- if eq $.Weights "Q8"}}

fn block_offset{{$j}}(x: vec4<u32>) -> vec4<f32> {
	return offset_bytes(x.{{comp $j}});
}
{{- else if eq $.Weights "Q4"}}

fn block_offset{{$j}}(x: vec4<u32>) -> vec4<f32> {
	return offset_nibbles(x.{{comp (div $j 2)}}{{if not (mod $j 2)}} << 4u{{end}});
}
{{- end}}
{{- end}}
{{- if eq .Weights "Q4"}}

// block_scale is the scale of a block, counted over all rows.
fn block_scale(i: u32) -> f32 {
	let word = {{mul .N .Blocks 4}}u + i / 2u;
	let scales = unpack2x16float(w[word / 4u][word % 4u]);
	return select(scales.x, scales.y, (i & 1u) != 0u);
}
{{- else if eq .Weights "Q8"}}

// weight_scale is the scale of row n, past the end that of the last one. Whoever needs
// it asks before the sums, so as not to wait after them.
fn weight_scale(n: u32) -> f32 {
	let word = {{mul .N .Blocks 4}}u + min(n, {{sub .N 1}}u);
	return bitcast<f32>(w[word / 4u][word % 4u]);
}
{{- end}}

fn lane_sum(s: vec4<f32>) -> f32 {
	return (s.x + s.y) + (s.z + s.w);
}

var<workgroup> pool: array<vec4<f32>, {{.Pool}}>;
{{- end}}

{{define "row_dots"}}{{if .Held}}{{template "row_held" .}}{{else}}
	let lane = t % {{.Lanes}}u;
	var b = lane;
{{- range $i := seq .Each}}
	let base{{$i}} = min(first_row + t / {{$.Lanes}}u * {{$.Each}}u + {{$i}}u, {{sub $.N 1}}u) * {{$.Blocks}}u;
{{- range $l := seq $.Loads}}
	var x{{$i}}_{{$l}} = w[base{{$i}} + min(b + {{mul $l $.Lanes}}u, {{sub $.Blocks 1}}u)];
{{- if eq $.Weights "Q4"}}
	var f{{$i}}_{{$l}} = block_scale(base{{$i}} + min(b + {{mul $l $.Lanes}}u, {{sub $.Blocks 1}}u));
{{- end}}
{{- end}}
{{- range $m := seq $.Rows}}
	var s{{$i}}_{{$m}} = vec4<f32>(0.0);
{{- end}}{{end}}
{{- if .Norm}}{{range $m := seq .Rows}}
	var squares{{$m}} = vec4<f32>(0.0);
{{- end}}{{end}}
	for (var start = 0u; start < {{.Blocks}}u; start += {{.Chunk}}u) {
{{- if .Carry}}
		{{template "in_proj_step_loads" .}}
{{- end}}
		// All of an invocation's loads of activations are on their way before the first store.
{{- range $s := seq .Stages}}
		let i{{$s}} = t + {{mul $s $.Threads}}u;
		let q{{$s}} = start * {{$.Planes}}u + i{{$s}};
{{- if $.Norm}}
		let gain{{$s}} = norm_quad(q{{$s}});
{{- end}}
{{- range $m := seq $.Rows}}
		let a{{$m}}_{{$s}} = activation({{$m}}u, q{{$s}});
{{- end}}{{end}}
{{- range $s := seq .Stages}}
{{- if gt (mul (add $s 1) $.Threads) (mul $.Chunk $.Planes)}}
		if (i{{$s}} < {{mul $.Chunk $.Planes}}u) {
{{- else}}
		{
{{- end}}
			let at = i{{$s}} % {{$.Planes}}u * {{$.Chunk}}u + i{{$s}} / {{$.Planes}}u;
{{- range $m := seq $.Rows}}
{{- if $.Norm}}
			squares{{$m}} = fma(a{{$m}}_{{$s}}, a{{$m}}_{{$s}}, squares{{$m}});
{{- if $.Carry}}
			carry(place, q{{$s}}, a{{$m}}_{{$s}});
{{- end}}
			let n{{$m}} = a{{$m}}_{{$s}} * gain{{$s}};
			pool[{{mul $m $.Chunk $.Planes}}u + at] = n{{$m}};
{{- if $.Keep}}
			keep(place, {{$m}}u, q{{$s}}, n{{$m}});
{{- end}}
{{- else}}
			pool[{{mul $m $.Chunk $.Planes}}u + at] = a{{$m}}_{{$s}};
{{- end}}{{end}}
		}
{{- end}}
{{- if and .Conv (not .Carry)}}
		{{template "in_proj_step_loads" .}}
{{- end}}
		workgroupBarrier();
		for (var o = lane; o < {{.Chunk}}u; o += {{mul .Lanes .Loads}}u) {
			b += {{mul .Lanes .Loads}}u;
{{- range $i := seq .Each}}{{range $l := seq $.Loads}}
			let w{{$i}}_{{$l}} = x{{$i}}_{{$l}};
{{- if eq $.Weights "Q4"}}
			let g{{$i}}_{{$l}} = f{{$i}}_{{$l}};
{{- end}}{{end}}{{end}}
			if (b < {{.Blocks}}u) {
{{- range $i := seq .Each}}{{range $l := seq $.Loads}}
				x{{$i}}_{{$l}} = w[base{{$i}} + min(b + {{mul $l $.Lanes}}u, {{sub $.Blocks 1}}u)];
{{- if eq $.Weights "Q4"}}
				f{{$i}}_{{$l}} = block_scale(base{{$i}} + min(b + {{mul $l $.Lanes}}u, {{sub $.Blocks 1}}u));
{{- end}}{{end}}{{end}}
			}
{{- range $l := seq .Loads}}
			{
{{- range $i := seq $.Each}}{{range $m := seq $.Rows}}{{if eq $.Weights "Q4"}}
				var d{{$i}}_{{$m}} = vec4<f32>(0.0);
{{- end}}{{end}}{{end}}
{{- range $j := seq $.Planes}}
				{
{{- range $i := seq $.Each}}
					let v{{$i}} = block_part{{$j}}(w{{$i}}_{{$l}});
{{- end}}
{{- range $m := seq $.Rows}}
					let a{{$m}} = pool[{{add (mul $m $.Chunk $.Planes) (mul $j $.Chunk) (mul $l $.Lanes)}}u + o];
{{- range $i := seq $.Each}}
{{- if eq $.Weights "Q4"}}
					d{{$i}}_{{$m}} = fma(v{{$i}}, a{{$m}}, d{{$i}}_{{$m}});
{{- else}}
					s{{$i}}_{{$m}} = fma(v{{$i}}, a{{$m}}, s{{$i}}_{{$m}});
{{- end}}{{end}}{{end}}
				}
{{- end}}
{{- range $i := seq $.Each}}{{range $m := seq $.Rows}}{{if eq $.Weights "Q4"}}
				s{{$i}}_{{$m}} = fma(d{{$i}}_{{$m}}, vec4<f32>(g{{$i}}_{{$l}}), s{{$i}}_{{$m}});
{{- end}}{{end}}{{end}}
			}
{{- end}}
		}
		workgroupBarrier();
	}
{{- /* the sums of four pairs (row of weights, row of activations) to a vector */}}
{{- range $v := seq .Sums}}
	pool[{{mul $v $.Threads}}u + t] = vec4<f32>({{range $c := seq 4}}{{if $c}}, {{end}}{{$s := add (mul $v 4) $c}}{{if lt $s (mul $.Each $.Rows)}}{{template "lane_sum" (list (div $s $.Rows) (mod $s $.Rows))}}{{else}}0.0{{end}}{{end}});
{{- end}}
{{- if .Norm}}
{{- range $v := seq .Squares}}
	pool[{{mul (add $v $.Sums) $.Threads}}u + t] = vec4<f32>({{range $c := seq 4}}{{if $c}}, {{end}}{{$m := add (mul $v 4) $c}}{{if lt $m $.Rows}}(squares{{$m}}.x + squares{{$m}}.y) + (squares{{$m}}.z + squares{{$m}}.w){{else}}0.0{{end}}{{end}});
{{- end}}{{end}}
	workgroupBarrier();
	if (lane < {{.Left}}u) {
{{- range $v := seq .Sums}}
		var v{{$v}} = pool[{{mul $v $.Threads}}u + t];
		for (var i = {{$.Left}}u; i < {{$.Lanes}}u; i += {{$.Left}}u) {
			v{{$v}} += pool[{{mul $v $.Threads}}u + t + i];
		}
		pool[{{mul $v $.Threads}}u + t] = v{{$v}};
{{- end}}
	}
{{- if .Norm}}
	if (t < 16u) {
{{- range $v := seq .Squares}}
		var v{{$v}} = vec4<f32>(0.0);
		for (var i = 0u; i < {{$.Threads}}u; i += 16u) {
			v{{$v}} += pool[{{mul (add $v $.Sums) $.Threads}}u + t + i];
		}
		pool[{{mul (add $v $.Sums) $.Threads}}u + t] = v{{$v}};
{{- end}}
	}
{{- end}}
	workgroupBarrier();
{{- end}}{{end}}
{{define "lane_sum"}}{{$i := index . 0}}{{$m := index . 1}}lane_sum(s{{$i}}_{{$m}}){{end}}

{{define "row_sum"}}{{if .Held}}{{template "held_sum" .}}{{else}}
// row_sum is the product of row r of the workgroup's weights and row m of the
// activations.
fn row_sum(r: u32, m: u32) -> f32 {
	let s = r % {{.Each}}u * {{.Rows}}u + m;
	let at = s / 4u * {{.Threads}}u + r / {{.Each}}u * {{.Lanes}}u;
	var sum = pool[at][s % 4u];
	for (var i = 1u; i < {{.Left}}u; i++) {
		sum += pool[at + i][s % 4u];
	}
	return sum;
}
{{- if .Norm}}

// row_rms is the factor that normalises row m of the activations.
fn row_rms(m: u32) -> f32 {
	let at = {{mul .Sums .Threads}}u + m / 4u * {{.Threads}}u;
	var sum = pool[at][m % 4u];
	for (var i = 1u; i < 16u; i++) {
		sum += pool[at + i][m % 4u];
	}
	return 1.0 / sqrt(sum / {{.K}}.0 + params.eps);
}
{{- end}}
{{- end}}{{end}}
