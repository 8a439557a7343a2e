// causal_conv_backward: the gradients of causal_conv from a zero state.{{$past := sub .Width 1}}
//
//   s[b,t,e] = sum_k w[e,k] x[b, t-{{$past}}+k, e] + bias[e],  ds = dy act'(s)
//   dx[b,t,e] = sum_k w[e,k] ds[b, t+{{$past}}-k, e]
//   parts[r,e,k] = sum_t ds[b,t,e] x[b, t-{{$past}}+k, e], then sum_t ds[b,t,e], over the
//                  times of workgroup r
//
// An invocation walks {{.Steps}} times of {{.Each}} channel{{if gt .Each 1}}s{{end}} and {{$past}} more, whose ds it needs too; the last
// {{$past}} inputs and {{.Width}} ds are in registers. Four times are loaded together, one
// round ahead. Adding up the parts is column_sums' work.
//
// In      x at (b*length+t)*stride + offset + e; weights: w (channels, {{.Width}}), bias (channels);
//         dy (batch, length, channels)
// Out     dx, which lies as x does; parts (batch, blocks of time, weights)
// Grid    (ceil(channels/{{.Channels}}), ceil(length/{{mul .Steps .Chunks}}), batch); {{.Lanes}} x {{.Chunks}} invocations
// Memory  {{.Memory}} bytes of sums
{{- if .Halves}}
// Halves  x: two steps in a word
{{- end}}
// Tail    channels past the end repeat the last one, times past the end count as zero;
//         neither are written
// Twin    cpu/causal_conv_backward.go
struct Params { length: u32, channels: u32, stride: u32, offset: u32 }
{{- $lanes := .Lanes}}{{$all := mul .Lanes .Chunks}}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<{{if .Halves}}{{template "conv_words" .}}{{else}}{{template "conv_type" .}}{{end}}>;        // (batch, length, stride)
@group(0) @binding(2) var<storage, read> weights: array<f32>;     // (channels, {{.Width}}), (channels)
@group(0) @binding(3) var<storage, read> dy: array<{{template "conv_type" .}}>;       // (batch, length, channels)
@group(0) @binding(4) var<storage, read_write> dx: array<{{template "conv_type" .}}>; // (batch, length, stride)
@group(0) @binding(5) var<storage, read_write> parts: array<f32>; // (batch, blocks, weights)

var<workgroup> sums: array<array<{{template "conv_type" .}}, {{$all}}>, {{.Sums}}>; // [weight][chunk][lane]
{{- define "conv_words"}}{{if eq .Each 2}}vec2<u32>{{else}}u32{{end}}{{end}}
{{- if .Halves}}

// first and second are the inputs of the two steps in a word.
{{- range $i, $step := names "first" "second"}}
fn {{$step}}(w: {{template "conv_words" $}}) -> {{template "conv_type" $}} {
	return {{if eq $.Each 2}}vec2<f32>(unpack2x16float(w.x).{{comp $i}}, unpack2x16float(w.y).{{comp $i}}){{else}}unpack2x16float(w).{{comp $i}}{{end}};
}
{{- end}}
{{- end}}
{{if .SiLU}}
// silu_slope is the derivative of silu.
fn silu_slope(v: {{template "conv_type" .}}) -> {{template "conv_type" .}} {
	let q = 1.0 / (1.0 + exp(-v));
	return q * (1.0 + v * (1.0 - q));
}
{{end}}
// weight is number k of the packed weights' array of n a channel, from word first on, for
// the channels of an invocation.
fn weight(first: u32, channel: u32, n: u32, k: u32) -> {{template "conv_type" .}} {
	return {{template "conv_type" .}}({{range $c := seq .Each}}{{if $c}}, {{end}}weights[first + (channel + {{$c}}u) * n + k]{{end}});
}

@compute @workgroup_size({{$all}})
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let e = wg.x * {{.Channels}}u + t % {{$lanes}}u * {{.Each}}u;
	let channel = min(e, params.channels - {{.Each}}u);
	let row = wg.z * params.length;
	let start = (wg.y * {{.Chunks}}u + t / {{$lanes}}u) * {{.Steps}}u;
	let end = min(start + {{.Steps}}u, params.length);
	let last = params.length - 1u;
	let zero = {{template "conv_type" .}}(0.0);
	let stride = params.stride / {{.Each}}u;
	let grad_stride = params.channels / {{.Each}}u;
	let x_at = row{{if .Halves}} / 2u{{end}} * stride + (params.offset + channel) / {{.Each}}u;
{{- if .Halves}}
	let dx_at = row * stride + (params.offset + channel) / {{.Each}}u;
{{- end}}
	let grad_at = row * grad_stride + channel / {{.Each}}u;
{{- range $k := seq .Width}}
	let w{{$k}} = weight(0u, channel, {{$.Width}}u, {{$k}}u);
	var dw{{$k}} = zero;
	var d{{$k}} = zero; // ds of {{$k}} times ago
{{- end}}
	let bias = {{if .Bias}}weight(params.channels * {{.Width}}u, channel, 1u, 0u){{else}}zero{{end}};
	var dbias = zero;
{{- range $k := seq $past}}
	var x{{$k}} = zero;
{{- end}}
	if (start > 0u && start < params.length) {
{{- range $k := seq $past}}
{{- $back := sub $past $k}}
{{- if $.Halves}}
		x{{$k}} = {{if mod $back 2}}second{{else}}first{{end}}(x[x_at + (start - {{$back}}u) / 2u * stride]);
{{- else}}
		x{{$k}} = x[x_at + (start - {{$back}}u) * stride];
{{- end}}
{{- end}}
	}
{{- range $i := seq (div 4 .InWord)}}
	var next_in{{$i}} = x[x_at + min(start + {{mul $i $.InWord}}u, last){{if $.Halves}} / 2u{{end}} * stride];
{{- end}}
{{- range $i := seq 4}}
	var next_grad{{$i}} = dy[grad_at + min(start + {{$i}}u, last) * grad_stride];
{{- end}}
	for (var now = start; now < end + {{$past}}u; now += 4u) {
{{- range $i := seq 4}}
		let now{{$i}} = now + {{$i}}u;
		let in{{$i}} = {{if not $.Halves}}next_in{{$i}}{{else if mod $i 2}}second(next_in{{div $i 2}}){{else}}first(next_in{{div $i 2}}){{end}};
		let grad{{$i}} = select(zero, next_grad{{$i}}, now{{$i}} <= last);
{{- end}}
{{- range $i := seq (div 4 .InWord)}}
		next_in{{$i}} = x[x_at + min(now{{mul $i $.InWord}} + 4u, last){{if $.Halves}} / 2u{{end}} * stride];
{{- end}}
{{- range $i := seq 4}}
		next_grad{{$i}} = dy[grad_at + min(now{{$i}} + 4u, last) * grad_stride];
{{- end}}
{{- range $i := seq 4}}
		{
{{- if $.SiLU}}
			var s = fma(w{{$past}}, in{{$i}}, bias);
{{- range $k := seq $past}}
			s = fma(w{{$k}}, x{{$k}}, s);
{{- end}}
{{- end}}
{{- range $k := seq $past}}
			d{{sub $past $k}} = d{{sub $past (add $k 1)}};
{{- end}}
			d0 = grad{{$i}}{{if $.SiLU}} * silu_slope(s){{end}};
			let own = select(zero, d0, now{{$i}} < end);
			dbias += own;
			dw{{$past}} = fma(own, in{{$i}}, dw{{$past}});
{{- range $k := seq $past}}
			dw{{$k}} = fma(own, x{{$k}}, dw{{$k}});
{{- end}}
			if (now{{$i}} >= start + {{$past}}u && now{{$i}} < end + {{$past}}u && e < params.channels) {
				var sum = w0 * d0;
{{- range $k := seq $past}}
				sum = fma(w{{add $k 1}}, d{{add $k 1}}, sum);
{{- end}}
				dx[{{if $.Halves}}dx_at{{else}}x_at{{end}} + (now{{$i}} - {{$past}}u) * stride] = sum;
			}
{{- range $k := seq (sub $past 1)}}
			x{{$k}} = x{{add $k 1}};
{{- end}}
			x{{sub $past 1}} = in{{$i}};
		}
{{- end}}
	}
{{- range $k := seq .Width}}
	sums[{{$k}}][t] = dw{{$k}};
{{- end}}
{{- if .Bias}}
	sums[{{.Width}}][t] = dbias;
{{- end}}
	workgroupBarrier();
	if (t >= {{$lanes}}u || e >= params.channels) {
		return;
	}
	let part = (wg.z * groups.y + wg.y) * params.channels * {{.Sums}}u;
{{- range $k := seq .Sums}}
	var sum{{$k}} = sums[{{$k}}][t];
{{- range $c := seq (sub $.Chunks 1)}}
	sum{{$k}} += sums[{{$k}}][t + {{mul (add $c 1) $lanes}}u];
{{- end}}
{{- range $c := seq $.Each}}
	parts[part + {{if eq $k $.Width}}params.channels * {{$.Width}}u + e + {{$c}}u{{else}}(e + {{$c}}u) * {{$.Width}}u + {{$k}}u{{end}}] = sum{{$k}}{{if gt $.Each 1}}.{{comp $c}}{{end}};
{{- end}}{{end}}
}
