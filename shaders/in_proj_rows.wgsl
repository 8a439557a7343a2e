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

// Early is what a convolution takes besides its last input.
struct Early {
{{- range $k := seq .Taps}}
	w{{$k}}: f32,
{{- end}}
{{- range $k := seq $past}}
	x{{$k}}: f32,
{{- end}}
	bias: f32,
};

fn early(m: u32, n: u32) -> Early {
	var e: Early;
	if (n < {{$channels}}u) {
		let held = (slots[m] * {{$channels}}u + n) * {{$past}}u;
		let taps = params.off_conv + n * {{.Taps}}u;
{{- range $k := seq $past}}
		e.x{{$k}} = state[held + {{$k}}u];
{{- end}}
{{- range $k := seq .Taps}}
		e.w{{$k}} = small[taps + {{$k}}u];
{{- end}}
{{- if .ConvBias}}
		e.bias = small[params.off_conv_bias + n];
{{- end}}
	}
	return e;
}

fn ended(m: u32, n: u32, i: u32, sum: f32, e: Early) {
	let v = sum * row_rms(i){{if eq .Weights "Q8"}} * lane_row_scale(n){{end}}{{if .Bias}} + small[params.off_in_bias + n]{{end}};
	if (n >= {{$channels}}u) {
		uz[m * {{.All}}u + n] = v;
		return;
	}
	let held = (slots[m] * {{$channels}}u + n) * {{$past}}u;
	var u = e.bias;
{{- range $k := seq $past}}
	u = fma(e.w{{$k}}, e.x{{$k}}, u);
{{- end}}
	u = fma(e.w{{$past}}, v, u);
{{- range $k := seq $past}}{{if $k}}
	state[held + {{sub $k 1}}u] = e.x{{$k}};
{{- end}}{{end}}
	state[held + {{sub $past 1}}u] = v;
	uz[m * {{.All}}u + n] = silu(u);
}

@compute @workgroup_size({{.Invocations}})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	{{template "lane_sums" .}}
	{{template "lane_ends" .}}
}
