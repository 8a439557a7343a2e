// causal_conv_backward: the gradients of causal_conv from a zero state.{{$past := sub .Width 1}}
//
//   s[b,t,e] = sum_k w[e,k] x[b, t-{{$past}}+k, e] + bias[e],  ds = dy act'(s)
//   dx[b,t,e] = sum_k w[e,k] ds[b, t+{{$past}}-k, e]
//   parts[r,e,k] = sum_t ds[b,t,e] x[b, t-{{$past}}+k, e], then sum_t ds[b,t,e], over the
//                  times of workgroup r
//
// An invocation walks {{.Steps}} times of one channel and {{$past}} more, whose ds it needs too; the last
// {{$past}} inputs and {{.Width}} ds are in registers. Four times are loaded together. Adding up the
// parts is column_sums' work.
//
// In      x at (b*length+t)*stride + offset + e; weights: w (channels, {{.Width}}), bias (channels);
//         dy (batch, length, channels)
// Out     dx, which lies as x does; parts (batch, blocks of time, weights)
// Grid    (ceil(channels/64), ceil(length/{{mul .Steps .Chunks}}), batch); 64 x {{.Chunks}} invocations
// Memory  {{.Sums}} KiB of sums
// Tail    channels past the end repeat the last one, times past the end count as zero;
//         neither are written
// Twin    cpu/causal_conv_backward.go
struct Params { length: u32, channels: u32, stride: u32, offset: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;           // (batch, length, stride)
@group(0) @binding(2) var<storage, read> weights: array<f32>;     // (channels, {{.Width}}), (channels)
@group(0) @binding(3) var<storage, read> dy: array<f32>;          // (batch, length, channels)
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;    // (batch, length, stride)
@group(0) @binding(5) var<storage, read_write> parts: array<f32>; // (batch, blocks, weights)

var<workgroup> sums: array<f32, {{mul 64 .Chunks .Sums}}>; // [weight][chunk][channel]
{{if .SiLU}}
// silu_slope is the derivative of silu.
fn silu_slope(v: f32) -> f32 {
	let q = 1.0 / (1.0 + exp(-v));
	return q * fma(v, 1.0 - q, 1.0);
}
{{end}}
@compute @workgroup_size({{mul 64 .Chunks}})
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let e = wg.x * 64u + t % 64u;
	let channel = min(e, params.channels - 1u);
	let row = wg.z * params.length;
	let start = (wg.y * {{.Chunks}}u + t / 64u) * {{.Steps}}u;
	let end = min(start + {{.Steps}}u, params.length);
	let last = params.length - 1u;
	let column = params.offset + channel;
{{- range $k := seq .Width}}
	let w{{$k}} = weights[channel * {{$.Width}}u + {{$k}}u];
	var dw{{$k}} = 0.0;
	var d{{$k}} = 0.0; // ds of {{$k}} times ago
{{- end}}
	let bias = {{if .Bias}}weights[params.channels * {{.Width}}u + channel]{{else}}0.0{{end}};
	var dbias = 0.0;
{{- range $k := seq $past}}
	var x{{$k}} = 0.0;
{{- end}}
	if (start > 0u && start < params.length) {
{{- range $k := seq $past}}
		x{{$k}} = x[(row + start - {{sub $past $k}}u) * params.stride + column];
{{- end}}
	}
	for (var now = start; now < end + {{$past}}u; now += 4u) {
{{- range $i := seq 4}}
		let now{{$i}} = now + {{$i}}u;
		let in{{$i}} = x[(row + min(now{{$i}}, last)) * params.stride + column];
		let grad{{$i}} = select(0.0, dy[(row + min(now{{$i}}, last)) * params.channels + channel], now{{$i}} <= last);
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
			let own = select(0.0, d0, now{{$i}} < end);
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
				dx[(row + now{{$i}} - {{$past}}u) * params.stride + column] = sum;
			}
{{- range $k := seq (sub $past 1)}}
			x{{$k}} = x{{add $k 1}};
{{- end}}
			x{{sub $past 1}} = in{{$i}};
		}
{{- end}}
	}
{{- range $k := seq .Width}}
	sums[{{mul $k 64 $.Chunks}}u + t] = dw{{$k}};
{{- end}}
{{- if .Bias}}
	sums[{{mul .Width 64 .Chunks}}u + t] = dbias;
{{- end}}
	workgroupBarrier();
	let part = (wg.z * groups.y + wg.y) * params.channels * {{.Sums}}u;
	for (var i = t; i < {{mul 64 .Sums}}u; i += {{mul 64 .Chunks}}u) {
		let k = i / 64u;
		let own = wg.x * 64u + i % 64u;
		var sum = 0.0;
		for (var c = 0u; c < {{.Chunks}}u; c++) {
			sum += sums[min((k * {{.Chunks}}u + c) * 64u + i % 64u, {{sub (mul 64 .Chunks .Sums) 1}}u)];
		}
		if (own < params.channels) {
			parts[part + select(own * {{.Width}}u + k, params.channels * {{.Width}}u + own, k == {{.Width}}u)] = sum;
		}
	}
}
