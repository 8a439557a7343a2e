{{/* Weight matrices in GPU memory: rows padded with zeros to whole groups of 16
bytes, then the scales of integers (Quantize in package shaders). Four columns are
a quad. weight_type is the element of array w. weight_load defines quads_of(k), the
quads of a row of k columns, and weight(i), the values of quad i, counted over all
rows. Of Q8 these are integers: sums over row n are yet to be multiplied by
row_scale(n, all the matrix's quads). Of Q4 a kernel first sets quads_all to that
number. weight(i) is unpack(fetch(i), i): a kernel that loads long before it needs
the values keeps what fetch gives, of type weight_raw, so that nothing waits for
the load. */}}
{{define "weight_type"}}{{if eq .Weights "F32"}}vec4<f32>{{else if eq .Weights "F16" "BF16"}}vec2<u32>{{else}}u32{{end}}{{end}}
{{define "weight_raw"}}{{if eq .Weights "F32"}}vec4<f32>{{else if eq .Weights "Q8"}}u32{{else}}vec2<u32>{{end}}{{end}}
{{define "weight_load"}}
{{- $pad := weightPad .Weights}}
// quads_of is the number of quads in a row of k columns.
fn quads_of(k: u32) -> u32 {
	return (k + {{sub $pad 1}}u) / {{$pad}}u * {{div $pad 4}}u;
}
{{if eq .Weights "Q4"}}
// quads_all is the number of quads of the matrix, after which its scales come.
var<private> quads_all: u32;

fn fetch(i: u32) -> vec2<u32> {
	return vec2<u32>(w[i / 2u], w[quads_all / 2u + i / 16u]);
}
{{- else}}
fn fetch(i: u32) -> {{template "weight_raw" .}} {
	return w[i];
}
{{- end}}

fn unpack(raw: {{template "weight_raw" .}}, i: u32) -> vec4<f32> {
{{- if eq .Weights "F32"}}
	return raw;
{{- else if eq .Weights "F16"}}
	return vec4<f32>(unpack2x16float(raw.x), unpack2x16float(raw.y));
{{- else if eq .Weights "BF16"}}
	return vec4<f32>(
		bitcast<f32>(raw.x << 16u), bitcast<f32>(raw.x & 0xffff0000u),
		bitcast<f32>(raw.y << 16u), bitcast<f32>(raw.y & 0xffff0000u));
{{- else if eq .Weights "Q8"}}
	let p = bitcast<i32>(raw);
	return vec4<f32>(f32(p << 24u >> 24u), f32(p << 16u >> 24u), f32(p << 8u >> 24u), f32(p >> 24u));
{{- else}}
	let p = (raw.x >> (i % 2u * 4u)) & 0x0f0f0f0fu;
	let scales = unpack2x16float(raw.y);
	let scale = select(scales.x, scales.y, (i & 8u) != 0u);
	let q = vec4<f32>(f32(p & 15u), f32((p >> 8u) & 15u), f32((p >> 16u) & 15u), f32(p >> 24u));
	return fma(q, vec4<f32>(scale), vec4<f32>(-8.0 * scale));
{{- end}}
}

fn weight(i: u32) -> vec4<f32> {
	return unpack(fetch(i), i);
}

// carried is what fetch gives as a vector that may also hold four floats.
fn carried(raw: {{template "weight_raw" .}}) -> vec4<u32> {
	return {{if eq .Weights "F32"}}bitcast<vec4<u32>>(raw){{else if eq .Weights "Q8"}}vec4<u32>(raw, 0u, 0u, 0u){{else}}vec4<u32>(raw, 0u, 0u){{end}};
}

fn uncarried(v: vec4<u32>) -> {{template "weight_raw" .}} {
	return {{if eq .Weights "F32"}}bitcast<vec4<f32>>(v){{else if eq .Weights "Q8"}}v.x{{else}}v.xy{{end}};
}
{{- if eq .Weights "Q8"}}

// row_scale is the scale of row n of a matrix of so many quads.
fn row_scale(n: u32, quads: u32) -> f32 {
	return bitcast<f32>(w[quads + n]);
}
{{- end}}
{{- end}}
{{/* Rows of activations, four columns at a time: whole vectors where every row
starts on one and has nothing but whole ones (Vec), single elements otherwise. */}}
{{define "activation_type"}}{{if .Vec}}vec4<f32>{{else}}f32{{end}}{{end}}
