// x_proj_step: between in_proj and the scan of a layer's step, the causal convolution
// with silu and x_proj's sums over groups of channels (arXiv 2312.00752, alg. 2).
//
//   u = silu(sum_k conv[e,k] past[e,k] + conv_bias[e]),  past = state, then u
//   parts[g] = sum over the channels e of group g of W_x[:,e] u[e]
//
// A workgroup has a group of {{.Group}} channels of {{.Block}} sequence(s).
//
// In      conv: conv (channels, {{.Taps}}), conv_bias (channels) if there is such; slots (rows);
//         wx, W_x ({{.Outputs}}, channels), padded rows; state (slots, channels, {{sub .Taps 1}}), oldest first;
//         uz (rows, 2 channels)
// Out     uz, u replaced; parts (groups, rows, {{.Stride}}); state, moved on by one step
// Grid    (groups, ceil(rows/{{.Block}})); 256 invocations
// Memory  {{.Memory}} bytes: u and parts of the sums
// Tail    rows and channels past the end count as zero and are not written
// Twin    cpu/x_proj_step.go
struct Params { rows: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> conv: array<f32>;           // (channels, {{.Taps}}), (channels)
@group(0) @binding(2) var<storage, read> slots: array<u32>;          // (rows)
@group(0) @binding(3) var<storage, read> wx: array<{{template "x_type" .}}>; // ({{.Outputs}}, channels)
@group(0) @binding(4) var<storage, read_write> state: array<f32>;    // (slots, channels, {{sub .Taps 1}})
@group(0) @binding(5) var<storage, read_write> uz: array<f32>;       // (rows, 2 channels)
@group(0) @binding(6) var<storage, read_write> parts: array<f32>;    // (groups, rows, {{.Stride}})
{{template "silu"}}
{{template "x_weights" .}}
{{$past := sub .Taps 1}}
// moved is u of channel e of a row after the convolution; the state moves on.
fn moved(row: u32, e: u32) -> f32 {
	let held = (slots[row] * {{.Channels}}u + e) * {{$past}}u;
	let x{{$past}} = uz[row * {{mul 2 .Channels}}u + e];
	var sum = fma(conv[e * {{.Taps}}u + {{$past}}u], x{{$past}}, {{if .ConvBias}}conv[{{mul .Channels .Taps}}u + e]{{else}}0.0{{end}});
{{- range $k := seq $past}}
	let x{{$k}} = state[held + {{$k}}u];
	sum = fma(conv[e * {{$.Taps}}u + {{$k}}u], x{{$k}}, sum);
{{- end}}
{{- range $k := seq $past}}
	state[held + {{$k}}u] = x{{add $k 1}};
{{- end}}
	return silu(sum);
}

var<workgroup> inner: array<f32, {{mul .Block .Group}}>; // u, [row][channel]
var<workgroup> shares: array<f32, {{mul .Block 256}}>;   // [row][invocation]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let g = wg.x;
	let row0 = wg.y * {{.Block}}u;
	for (var i = t; i < {{mul .Block .Group}}u; i += 256u) {
		let row = row0 + i / {{.Group}}u;
		let e = g * {{.Group}}u + i % {{.Group}}u;
		var u = 0.0;
		if (row < params.rows && e < {{.Channels}}u) {
			u = moved(row, e);
			uz[row * {{mul 2 .Channels}}u + e] = u;
		}
		inner[i] = u;
	}
	workgroupBarrier();
	for (var first = 0u; first < {{mul .Outputs .Shares}}u; first += 256u) {
		let i = first + t;
		if (i < {{mul .Outputs .Shares}}u) {
{{- range $m := seq .Block}}
			var p{{$m}} = 0.0;
{{- end}}
			for (var k = 0u; k < {{.Span}}u; k++) {
				let at = x_place(g, i, k);
				let w = x_quad(x_raw(at), x_scale(at), at);
				let c = (i % {{.Shares}}u * {{.Span}}u + k) * 4u;
{{- range $m := seq .Block}}
				p{{$m}} += dot(w, vec4<f32>(inner[c + {{mul $m $.Group}}u], inner[c + {{add (mul $m $.Group) 1}}u], inner[c + {{add (mul $m $.Group) 2}}u], inner[c + {{add (mul $m $.Group) 3}}u]));
{{- end}}
			}
{{- range $m := seq .Block}}
			shares[{{mul $m 256}}u + t] = p{{$m}};
{{- end}}
		}
		workgroupBarrier();
		// outputs of this turn, each of {{.Shares}} share(s)
		for (var n = t; n < {{mul .Block (div 256 .Shares)}}u; n += 256u) {
			let row = row0 + n / {{div 256 .Shares}}u;
			let j = n % {{div 256 .Shares}}u;
			let output = first / {{.Shares}}u + j;
			if (row < params.rows && output < {{.Outputs}}u) {
				let s = n / {{div 256 .Shares}}u * 256u + j * {{.Shares}}u;
				var sum = shares[s];
{{- range $k := seq .Shares}}{{if $k}}
				sum += shares[s + {{$k}}u];
{{- end}}{{end}}
				parts[(g * params.rows + row) * {{.Stride}}u + output] = sum;
			}
		}
		workgroupBarrier();
	}
}
