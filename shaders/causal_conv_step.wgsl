// causal_conv_step: one step of causal_conv, as in decoding.
//
//   y[b,e] = act(sum_k w[e,k] * past[b,e,k] + bias[e]),  past = state, then x[b]
//
// In      x at b*stride + offset + e; weights: w (channels, {{.Width}}), bias (channels);
//         slots (batch); state (slots, channels, {{sub .Width 1}}), oldest first
// Out     y (batch, channels); state, moved on by one step
// Grid    (ceil(channels/64), batch); 64 invocations, one channel each
// Tail    channels past the end are not written
// Twin    cpu/causal_conv_step.go
struct Params { length: u32, channels: u32, stride: u32, offset: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;           // (batch, stride)
@group(0) @binding(2) var<storage, read> weights: array<f32>;     // (channels, {{.Width}}), (channels)
@group(0) @binding(3) var<storage, read> slots: array<u32>;       // (batch)
@group(0) @binding(4) var<storage, read_write> state: array<f32>; // (slots, channels, {{sub .Width 1}})
@group(0) @binding(5) var<storage, read_write> y: array<f32>;     // (batch, channels)
{{- if .SiLU}}
{{template "silu"}}
{{- end}}
{{$past := sub .Width 1}}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
	let e = id.x;
	let b = id.y;
	if (e >= params.channels) {
		return;
	}
	let held = (slots[b] * params.channels + e) * {{$past}}u;
	let x{{$past}} = x[b * params.stride + params.offset + e];
	var sum = fma(weights[e * {{.Width}}u + {{$past}}u], x{{$past}}, {{if .Bias}}weights[params.channels * {{.Width}}u + e]{{else}}0.0{{end}});
{{- range $k := seq $past}}
	let x{{$k}} = {{if $.Fresh}}0.0{{else}}state[held + {{$k}}u]{{end}};
	sum = fma(weights[e * {{$.Width}}u + {{$k}}u], x{{$k}}, sum);
{{- end}}
	y[b * params.channels + e] = {{if .SiLU}}silu(sum){{else}}sum{{end}};
{{- range $k := seq $past}}
	state[held + {{$k}}u] = x{{add $k 1}};
{{- end}}
}
