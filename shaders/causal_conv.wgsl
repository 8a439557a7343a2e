// causal_conv: depthwise causal convolution over time (arXiv 2312.00752, fig. 3).
//
//   y[b,t,e] = act(sum_k w[e,k] * x[b, t-{{sub .Width 1}}+k, e] + bias[e])
//
// An invocation walks {{.Steps}} steps of one channel with the last {{sub .Width 1}}
// inputs in registers. Only the invocations of the first tile touch the state:
// they read it at their start and replace it at their end.
//
// In      x at (b*length+t)*stride + offset + e; weights: w (channels, {{.Width}}), bias (channels);
//         slots (batch){{if .Packed}}: slot, first row, rows{{end}}; state (slots, channels, {{sub .Width 1}}), oldest first
// Out     y (batch, length, channels); state
// Grid    (ceil(channels/64), ceil(length/{{.Steps}}), batch); 64 invocations
{{- if .Halves}}
// Halves  x, y: two steps in a word
{{- end}}
// Tail    channels and steps past the end are not written
// Twin    cpu/causal_conv.go
struct Params { length: u32, channels: u32, stride: u32, offset: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<{{template "conv_word" .}}>;           // (batch, length, stride)
@group(0) @binding(2) var<storage, read> weights: array<f32>;     // (channels, {{.Width}}), (channels)
@group(0) @binding(3) var<storage, read> slots: array<u32>;       // (batch)
@group(0) @binding(4) var<storage, read_write> state: array<f32>; // (slots, channels, {{sub .Width 1}})
@group(0) @binding(5) var<storage, read_write> y: array<{{template "conv_word" .}}>;     // (batch, length, channels)
{{- define "conv_word"}}{{if .Halves}}u32{{else}}f32{{end}}{{end}}
{{- if .Halves}}
{{template "half_bits" "vec2"}}
{{- end}}

// input is x of a column of a row.
fn input(row: u32, column: u32) -> f32 {
{{- if .Halves}}
	let pair = unpack2x16float(x[row / 2u * params.stride + column]);
	return select(pair.x, pair.y, row % 2u == 1u);
{{- else}}
	return x[row * params.stride + column];
{{- end}}
}
{{- if .SiLU}}
{{template "silu"}}
{{- end}}
{{$past := sub .Width 1}}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) wg: vec3<u32>) {
	let e = id.x;
	if (e >= params.channels) {
		return;
	}
{{- if .Packed}}
	let slot = slots[wg.z * 3u];
	let row = slots[wg.z * 3u + 1u];
	let length = slots[wg.z * 3u + 2u];
{{- else}}
	let slot = slots[wg.z];
	let row = wg.z * params.length;
	let length = params.length;
{{- end}}
	let t0 = wg.y * {{.Steps}}u;
	let column = params.offset + e;
	let held = (slot * params.channels + e) * {{$past}}u;
{{- range $k := seq .Width}}
	let w{{$k}} = weights[e * {{$.Width}}u + {{$k}}u];
{{- end}}
	let bias = {{if .Bias}}weights[params.channels * {{.Width}}u + e]{{else}}0.0{{end}};
{{- range $k := seq $past}}
	var x{{$k}} = 0.0;
{{- end}}
	if (t0 > 0u{{if .Packed}} && t0 < length{{end}}) {
{{- range $k := seq $past}}
		x{{$k}} = input(row + t0 - {{sub $past $k}}u, column);
{{- end}}
	}{{if not .Fresh}} else {
{{- range $k := seq $past}}
		x{{$k}} = state[held + {{$k}}u];
{{- end}}
	}{{end}}
	let end = min(t0 + {{.Steps}}u, length);
	for (var t = t0; t < end; t += {{.Each}}u) {
{{- if .Halves}}
		let inputs = unpack2x16float(x[(row + t) / 2u * params.stride + column]);
{{- end}}
{{- range $i := seq .Each}}
		let now{{$i}} = {{if $.Halves}}inputs.{{comp $i}}{{else}}x[(row + t) * params.stride + column]{{end}};
		var sum{{$i}} = fma(w{{$past}}, now{{$i}}, bias);
{{- range $k := seq $past}}
		sum{{$i}} = fma(w{{$k}}, x{{$k}}, sum{{$i}});
{{- end}}
{{- if $.SiLU}}
		sum{{$i}} = silu(sum{{$i}});
{{- end}}
{{- range $k := seq (sub $past 1)}}
		x{{$k}} = x{{add $k 1}};
{{- end}}
		x{{sub $past 1}} = now{{$i}};
{{- end}}
{{- if .Halves}}
		let bits = half_bits(vec2<f32>(sum0, sum1));
		y[(row + t) / 2u * params.channels + e] = bits.x | (bits.y << 16u);
{{- else}}
		y[(row + t) * params.channels + e] = sum0;
{{- end}}
	}
	if (t0 > 0u) {
		return;
	}
	// Entry j becomes input length-{{$past}}+j; where that lies before the first
	// one it is entry j+length of the state as it was, not yet replaced.
	for (var j = 0u; j < {{$past}}u; j++) {
		var v = 0.0;
		if (length + j >= {{$past}}u) {
			v = input(row + length + j - {{$past}}u, column);
		}{{if not .Fresh}} else {
			v = state[held + j + length];
		}{{end}}
		state[held + j] = v;
	}
}
