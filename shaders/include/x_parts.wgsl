{{/* x_proj's sums over the Group channels of a group. {{.Shares}} invocations share an
output, each has Span quads of channels, Wide of them in an element. x_type is the element of array wx: a quad of a
row, of Q4 two. x_weights declares its reading: x_place(g, i, k) is the number of quad k of
the invocation that is number i, x_raw(place) the element with that quad as it lies in
memory, x_scale(place) its scale, x_quad(raw, scale, place) the quad's values.

Turned, W_x lies as TransposeQuads has it: invocations with neighbouring outputs read
neighbouring elements.

Of place x_quad wants no more than its remainder by 2: as a literal it keeps words from
being chosen while it runs. x_scale_raw and x_scale_of are x_scale in two steps, so that the
first, a load, is not waited for. */}}
{{define "x_type"}}{{if eq .XWeights "F32"}}vec4<f32>{{else if eq .XWeights "F16" "BF16"}}vec2<u32>{{else}}u32{{end}}{{end}}
{{define "x_scale_type"}}{{if eq .XWeights "Q4"}}u32{{else}}f32{{end}}{{end}}
{{define "x_weights"}}
{{- $pad := weightPad .XWeights}}{{$quads := mul (ceilDiv .Channels $pad) (div $pad 4)}}
fn x_raw(place: u32) -> {{template "x_type" .}} {
	return wx[place{{if eq .XWeights "Q4"}} / 2u{{end}}];
}

fn x_quad(raw: {{template "x_type" .}}, scale: f32, place: u32) -> vec4<f32> {
{{- if eq .XWeights "F32"}}
	return raw;
{{- else if eq .XWeights "F16"}}
	return vec4<f32>(unpack2x16float(raw.x), unpack2x16float(raw.y));
{{- else if eq .XWeights "BF16"}}
	return bitcast<vec4<f32>>(vec4<u32>(raw.x << 16u, raw.x & 0xffff0000u, raw.y << 16u, raw.y & 0xffff0000u));
{{- else if eq .XWeights "Q8"}}
	let p = bitcast<i32>(raw);
	return scale * vec4<f32>(f32(p << 24u >> 24u), f32(p << 16u >> 24u), f32(p << 8u >> 24u), f32(p >> 24u));
{{- else}}
	let p = (raw >> (place % 2u * 4u)) & 0x0f0f0f0fu;
	return scale * (vec4<f32>(f32(p & 15u), f32((p >> 8u) & 15u), f32((p >> 16u) & 15u), f32(p >> 24u)) - 8.0);
{{- end}}
}
{{- if eq .XWeights "Q4"}}

// x_scale_place is the number of the scale of a quad.
fn x_scale_place(place: u32) -> u32 {
{{- if .Turned}}
	return place / {{mul 8 .Outputs}}u * {{.Outputs}}u + place / 2u % {{.Outputs}}u;
{{- else}}
	return place / 8u;
{{- end}}
}
{{- end}}

fn x_scale_raw(place: u32) -> {{template "x_scale_type" .}} {
{{- if eq .XWeights "Q8"}}
	return bitcast<f32>(wx[{{mul .Outputs $quads}}u + place {{if .Turned}}% {{.Outputs}}{{else}}/ {{$quads}}{{end}}u]);
{{- else if eq .XWeights "Q4"}}
	return wx[{{div (mul .Outputs $quads) 2}}u + x_scale_place(place) / 2u];
{{- else}}
	return 1.0;
{{- end}}
}

fn x_scale_of(raw: {{template "x_scale_type" .}}, place: u32) -> f32 {
{{- if eq .XWeights "Q4"}}
	let scales = unpack2x16float(raw);
	return select(scales.x, scales.y, x_scale_place(place) % 2u == 1u);
{{- else}}
	return raw;
{{- end}}
}

fn x_scale(place: u32) -> f32 {
	return x_scale_of(x_scale_raw(place), place);
}

fn x_place(g: u32, i: u32, k: u32) -> u32 {
	let quad = min(g * {{div .Group 4}}u + i % {{.Shares}}u * {{.Span}}u + k, {{sub $quads 1}}u);
{{- if not .Turned}}
	return i / {{.Shares}}u * {{$quads}}u + quad;
{{- else if eq .XWeights "Q4"}}
	return (quad / 2u * {{.Outputs}}u + i / {{.Shares}}u) * 2u + quad % 2u;
{{- else}}
	return quad * {{.Outputs}}u + i / {{.Shares}}u;
{{- end}}
}
{{- end}}
