{{/* x_proj's sums over the Group channels of a group. {{.Shares}} invocations share an
output, each has Span quads of channels. x_weights declares the reading of W_x, as
include/weights.wgsl does that of w: x_raw(i) is quad i as it lies in memory, x_scale(i)
its scale, x_quad(raw, scale, i) its values, x_place(g, i, k) the number of quad k of the invocation that is number i.
x_type is the element of array wx. */}}
{{define "x_type"}}{{if eq .XWeights "F32"}}vec4<f32>{{else if eq .XWeights "F16" "BF16"}}vec2<u32>{{else}}u32{{end}}{{end}}
{{define "x_weights"}}
{{- $pad := weightPad .XWeights}}{{$quads := mul (ceilDiv .Channels $pad) (div $pad 4)}}
{{- if eq .XWeights "F32"}}
fn x_raw(i: u32) -> vec4<f32> {
	return wx[i];
}

fn x_quad(raw: vec4<f32>, scale: f32, i: u32) -> vec4<f32> {
	return raw;
}
{{- else if eq .XWeights "F16"}}
fn x_raw(i: u32) -> vec2<u32> {
	return wx[i];
}

fn x_quad(raw: vec2<u32>, scale: f32, i: u32) -> vec4<f32> {
	return vec4<f32>(unpack2x16float(raw.x), unpack2x16float(raw.y));
}
{{- else if eq .XWeights "BF16"}}
fn x_raw(i: u32) -> vec2<u32> {
	return wx[i];
}

fn x_quad(raw: vec2<u32>, scale: f32, i: u32) -> vec4<f32> {
	return bitcast<vec4<f32>>(vec4<u32>(raw.x << 16u, raw.x & 0xffff0000u, raw.y << 16u, raw.y & 0xffff0000u));
}
{{- else if eq .XWeights "Q8"}}
fn x_raw(i: u32) -> u32 {
	return wx[i];
}

fn x_quad(raw: u32, scale: f32, i: u32) -> vec4<f32> {
	let p = bitcast<i32>(raw);
	return scale * vec4<f32>(f32(p << 24u >> 24u), f32(p << 16u >> 24u), f32(p << 8u >> 24u), f32(p >> 24u));
}
{{- else}}
fn x_raw(i: u32) -> u32 {
	return wx[i / 2u];
}

fn x_quad(raw: u32, scale: f32, i: u32) -> vec4<f32> {
	let p = (raw >> (i % 2u * 4u)) & 0x0f0f0f0fu;
	return scale * (vec4<f32>(f32(p & 15u), f32((p >> 8u) & 15u), f32((p >> 16u) & 15u), f32(p >> 24u)) - 8.0);
}
{{- end}}

fn x_scale(i: u32) -> f32 {
{{- if eq .XWeights "Q8"}}
	return bitcast<f32>(wx[{{mul .Outputs $quads}}u + i / {{$quads}}u]);
{{- else if eq .XWeights "Q4"}}
	let scales = unpack2x16float(wx[{{div (mul .Outputs $quads) 2}}u + i / 16u]);
	return select(scales.x, scales.y, (i & 8u) != 0u);
{{- else}}
	return 1.0;
{{- end}}
}

fn x_place(g: u32, i: u32, k: u32) -> u32 {
	return i / {{.Shares}}u * {{$quads}}u + min(g * {{div .Group 4}}u + i % {{.Shares}}u * {{.Span}}u + k, {{sub $quads 1}}u);
}
{{- end}}
