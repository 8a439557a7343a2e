// dt_scan_rows: dt_scan_step for many sequences, from x_proj's whole sums
// (arXiv 2312.00752, alg. 2).
//
//   d = softplus(W_dt dt + bias)
//   h = exp(d A) . h + (d u) B
//   y = (sum_n h C + D u) silu(z)
//
// A workgroup has {{.Columns}} channels of {{.Rows}} sequence(s), so that A and W_dt, which do not depend
// on the sequence, are read once for all. {{.Lanes}} invocations share a channel's states, {{.Shares}} a
// pair of channels for W_dt.
//
// In      uz (rows, 2 channels): u, then z; p (rows, 4 {{.Quads}}): dt ({{.Rank}}), B, C ({{.States}});
//         wdt, W_dt transposed ({{.Rank}}, channels), padded to pairs;
//         weights: A (channels, {{.States}}), D (channels), bias (channels); slots (rows);
//         state (slots, channels, {{.States}})
// Out     y (rows, channels); state
// Grid    (ceil(channels/{{.Columns}}), ceil(rows/{{.Rows}})); 256 invocations
// Memory  {{.Memory}} bytes
// Tail    rows and channels past the end repeat the last one and are not written
// Twin    cpu/dt_scan_step.go
struct Params { rows: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> uz: array<f32>;      // (rows, 2 channels)
@group(0) @binding(2) var<storage, read> p: array<vec4<f32>>; // (rows, {{.Quads}})
@group(0) @binding(3) var<storage, read> wdt: array<{{template "pair_type" .}}>; // ({{.Rank}}, channels)
@group(0) @binding(4) var<storage, read> weights: array<f32>; // (channels, {{.States}}), (channels), (channels)
@group(0) @binding(5) var<storage, read> slots: array<u32>;   // (rows)
@group(0) @binding(6) var<storage, read_write> state: array<vec4<f32>>; // (slots, channels, {{.States}})
@group(0) @binding(7) var<storage, read_write> y: array<f32>; // (rows, channels)
{{template "softplus"}}
{{template "silu"}}
{{template "pair_load" .}}
{{- $all := mul .Rows .Columns}}

var<workgroup> inputs: array<vec4<f32>, {{mul .Rows .Quads}}>;   // [row][quad] dt, B, C
var<workgroup> shares: array<vec2<f32>, {{mul .Rows 256}}>;      // [row][share][pair], then [row][channel][lane]
var<workgroup> sizes: array<vec2<f32>, {{$all}}>;                // [row][channel] d and d u

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let row0 = wg.y * {{.Rows}}u;
	let last = params.rows - 1u;
	let lane = t % {{.Lanes}}u;
	let c = t / {{.Lanes}}u;
	let e = wg.x * {{.Columns}}u + c;
	let channel = min(e, {{sub .Channels 1}}u);
	// All that is read of memory is on its way before the first barrier.
	for (var i = t; i < {{mul .Rows .Quads}}u; i += 256u) {
		inputs[i] = p[min(row0 + i / {{.Quads}}u, last) * {{.Quads}}u + i % {{.Quads}}u];
	}
{{- range $k := seq .PerShare}}
	let w{{$k}} = raw_pair(min(t / {{$.Pairs}}u + {{mul $k $.Shares}}u, {{sub $.Rank 1}}u), wg.x * {{$.Pairs}}u + t % {{$.Pairs}}u);
{{- end}}
{{- range $k := seq .PerLane}}
	let n{{$k}} = min(lane + {{mul $k $.Lanes}}u, {{sub (div $.States 4) 1}}u);
	let at{{$k}} = channel * {{$.States}}u + n{{$k}} * 4u;
	let a{{$k}} = vec4<f32>(weights[at{{$k}}], weights[at{{$k}} + 1u], weights[at{{$k}} + 2u], weights[at{{$k}} + 3u]) * 1.442695041;
{{- end}}
{{- range $r := seq .Rows}}
	let held{{$r}} = (slots[min(row0 + {{$r}}u, last)] * {{$.Channels}}u + channel) * {{div $.States 4}}u;
{{- range $k := seq $.PerLane}}
	let h{{$r}}_{{$k}} = state[held{{$r}} + n{{$k}}];
{{- end}}{{end}}
	// Of the steps' sizes and of y an invocation has one channel of one row.
	let own = t % {{$all}}u;
	let own_row = min(row0 + own / {{.Columns}}u, last);
	let own_channel = min(wg.x * {{.Columns}}u + own % {{.Columns}}u, {{sub .Channels 1}}u);
	let u = uz[own_row * {{mul 2 .Channels}}u + own_channel];
	let z = uz[own_row * {{mul 2 .Channels}}u + {{.Channels}}u + own_channel];
	let skip = weights[{{mul .Channels .States}}u + own_channel];
	var d = weights[{{mul .Channels (add .States 1)}}u + own_channel];
	workgroupBarrier();
{{- range $r := seq .Rows}}
	{
		var sum = vec2<f32>(0.0);
{{- range $k := seq $.PerShare}}
{{- $at := printf "t / %du + %du" $.Pairs (mul $k $.Shares)}}
{{- if gt (mul (add $k 1) $.Shares) $.Rank}}
		sum = fma(weight_pair(w{{$k}}), vec2<f32>(select(0.0, inputs[{{mul $r $.Quads}}u + min({{$at}}, {{sub $.Rank 1}}u) / 4u][({{$at}}) % 4u], {{$at}} < {{$.Rank}}u)), sum);
{{- else}}
		sum = fma(weight_pair(w{{$k}}), vec2<f32>(inputs[{{mul $r $.Quads}}u + ({{$at}}) / 4u][({{$at}}) % 4u]), sum);
{{- end}}
{{- end}}
		shares[{{mul $r 256}}u + t] = sum;
	}
{{- end}}
	workgroupBarrier();
	let first = own / {{.Columns}}u * 256u + own % {{.Columns}}u / 2u;
{{- range $k := seq .Shares}}
	d += shares[first + {{mul $k $.Pairs}}u][own % 2u];
{{- end}}
	d = softplus(d);
	if (t < {{$all}}u) {
		sizes[t] = vec2<f32>(d, d * u);
	}
	workgroupBarrier();
{{- range $r := seq .Rows}}
	{
		let size = sizes[{{mul $r $.Columns}}u + c];
		var sum = 0.0;
{{- range $k := seq $.PerLane}}
{{- if gt (mul (add $k 1) $.Lanes 4) $.States}}
		if (lane + {{mul $k $.Lanes}}u < {{div $.States 4}}u) {
{{- else}}
		{
{{- end}}
			let b = inputs[{{add (mul $r $.Quads) (div $.Rank 4)}}u + n{{$k}}];
			let next = fma(exp2(size.x * a{{$k}}), h{{$r}}_{{$k}}, size.y * b);
			let s = next * inputs[{{add (mul $r $.Quads) (div $.Rank 4) (div $.States 4)}}u + n{{$k}}];
			sum += (s.x + s.y) + (s.z + s.w);
			if (row0 + {{$r}}u <= last && e < {{$.Channels}}u) {
				state[held{{$r}} + n{{$k}}] = next;
			}
		}
{{- end}}
		shares[{{mul $r 256}}u + t].x = sum;
	}
{{- end}}
	workgroupBarrier();
	if (t < {{$all}}u && row0 + own / {{.Columns}}u <= last && wg.x * {{.Columns}}u + own % {{.Columns}}u < {{.Channels}}u) {
		let i = own / {{.Columns}}u * 256u + own % {{.Columns}}u * {{.Lanes}}u;
		var sum = shares[i].x;
{{- range $k := seq .Lanes}}{{if $k}}
		sum += shares[i + {{$k}}u].x;
{{- end}}{{end}}
		y[own_row * {{.Channels}}u + own_channel] = fma(skip, u, sum) * silu(z);
	}
}
