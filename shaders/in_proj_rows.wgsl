// in_proj_rows: the first part of a layer's step of some sequences, rms_norm to silu
// (arXiv 2312.00752, alg. 2).
//
//   x = a / rms(a) . gain
//   (u, z) = W_in x + in_bias
//   u = silu(sum_k conv[e,k] past[e,k] + conv_bias[e]),  past = state, then u
//
// The norm's factor is applied to the sums. A workgroup has {{.Rows}} rows of a and {{.Columns}} of W_in, an
// invocation {{.M}} x {{.N}} sums over a share of k; {{.Lanes}} of them share them
// (include/lane_sums.wgsl).
//
// In      a (rows, k); w, W_in (2 channels, k), padded rows; small: gain (k),
//         conv (channels, {{.Taps}}), conv_bias (channels), in_bias (2 channels), the last two if
//         there are such; slots (rows); state (slots, channels, {{sub .Taps 1}}), oldest first
// Out     uz (rows, 2 channels): u, then z; state, moved on by one step
// Grid    (ceil(2 channels/{{.Columns}}), ceil(rows/{{.Rows}})); {{.Invocations}} invocations
// Memory  {{.Memory}} bytes
// Tail    rows and columns past the end repeat the last one and are not written; quads past
//         k count as zero
// Twin    cpu/in_proj_rows.go
struct Params { m: u32, eps: f32, off_conv: u32, off_conv_bias: u32, off_in_bias: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;  // (rows, k)
@group(0) @binding(2) var<storage, read> w: array<{{template "lane_type" .}}>; // (2 channels, k)
@group(0) @binding(3) var<storage, read> small: array<f32>;    // (k), (channels, {{.Taps}}), (channels), (2 channels)
@group(0) @binding(4) var<storage, read> slots: array<u32>;    // (rows)
@group(0) @binding(5) var<storage, read_write> state: array<f32>; // (slots, channels, {{sub .Taps 1}})
@group(0) @binding(6) var<storage, read_write> uz: array<f32>; // (rows, 2 channels)
{{template "silu"}}
{{template "lane_memory" .}}
{{- $channels := div .All 2}}{{$past := sub .Taps 1}}

fn ended(m: u32, n: u32, i: u32, sum: f32) {
	let v = sum * row_rms(i){{if eq .Weights "Q8"}} * lane_row_scale(n){{end}}{{if .Bias}} + small[params.off_in_bias + n]{{end}};
	if (n >= {{$channels}}u) {
		uz[m * {{.All}}u + n] = v;
		return;
	}
	let held = (slots[m] * {{$channels}}u + n) * {{$past}}u;
	let taps = params.off_conv + n * {{.Taps}}u;
	var u = {{if .ConvBias}}small[params.off_conv_bias + n]{{else}}0.0{{end}};
	let x{{$past}} = v;
{{- range $k := seq $past}}
	let x{{$k}} = state[held + {{$k}}u];
{{- end}}
{{- range $k := seq .Taps}}
	u = fma(small[taps + {{$k}}u], x{{$k}}, u);
{{- end}}
{{- range $k := seq $past}}
	state[held + {{$k}}u] = x{{add $k 1}};
{{- end}}
	uz[m * {{.All}}u + n] = silu(u);
}

@compute @workgroup_size({{.Invocations}})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	{{template "lane_sums" .}}
	{{template "lane_ends" .}}
}
