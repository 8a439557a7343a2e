{{/* Weight matrices in GPU memory: rows padded with zeros to a multiple of four
columns, four columns to an element, float32 or packed 16-bit.
weight_type is the element; weight_load defines weight(i), its four values. */}}
{{define "weight_type"}}{{if eq .Weights "F32"}}vec4<f32>{{else}}vec2<u32>{{end}}{{end}}
{{define "weight_load"}}
fn weight(i: u32) -> vec4<f32> {
{{- if eq .Weights "F32"}}
	return w[i];
{{- else if eq .Weights "F16"}}
	let p = w[i];
	return vec4<f32>(unpack2x16float(p.x), unpack2x16float(p.y));
{{- else}}
	let p = w[i];
	return vec4<f32>(
		bitcast<f32>(p.x << 16u), bitcast<f32>(p.x & 0xffff0000u),
		bitcast<f32>(p.y << 16u), bitcast<f32>(p.y & 0xffff0000u));
{{- end}}
}
{{- end}}
{{/* Rows of activations, four columns at a time: whole vectors where every row
starts on one and has nothing but whole ones (Vec), single elements guarded by
the row's length otherwise: nothing past it is read, since a trusted module
checks no index. activation(row, q) is columns 4q to 4q+3, zeros past params.k. */}}
{{define "activation_type"}}{{if .Vec}}vec4<f32>{{else}}f32{{end}}{{end}}
{{define "activation_load"}}
{{- if .Vec}}
fn activation(row: u32, q: u32) -> vec4<f32> {
	return a[(row * params.lda + params.off_a) / 4u + q];
}
{{- else}}
fn activation(row: u32, q: u32) -> vec4<f32> {
	let k = q * 4u;
	let i = row * params.lda + params.off_a;
	let last = params.k - 1u;
	return vec4<f32>(
		a[i + k],
		select(0.0, a[i + min(k + 1u, last)], k + 1u < params.k),
		select(0.0, a[i + min(k + 2u, last)], k + 2u < params.k),
		select(0.0, a[i + min(k + 3u, last)], k + 3u < params.k));
}
{{- end}}
{{- end}}
