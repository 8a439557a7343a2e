// dt_scan_step: the second half of a layer's step, from x_proj's sums over groups of
// channels to what out_proj takes (arXiv 2312.00752, alg. 2).
//
//   (dt, B, C) = sum_g parts[g]
//   d = softplus(W_dt dt + bias)
//   h = exp(d A) . h + (d u) B
//   y = (sum_n h C + D u) silu(z)
//
// A workgroup has {{.Columns}} channels of a sequence, {{.Lanes}} invocations each for the states and
// {{.Shares}} a pair of channels for W_dt.
//
// In      uz (rows, 2 channels): u, then z; parts (groups, rows, 4 {{.Quads}}): dt ({{.Rank}}), B, C ({{.States}});
//         wdt, W_dt transposed ({{.Rank}}, channels), padded to pairs;
//         weights: A (channels, {{.States}}), D (channels), bias (channels); slots (rows);
//         state (slots, channels, {{.States}})
// Out     y (rows, channels); state
// Grid    (ceil(channels/{{.Columns}}), rows); 256 invocations
// Memory  {{.Memory}} bytes
// Tail    channels past the end repeat the last one and are not written
// Twin    cpu/dt_scan_step.go
struct Params { rows: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> uz: array<f32>;          // (rows, 2 channels)
@group(0) @binding(2) var<storage, read> parts: array<vec4<f32>>; // (groups, rows, {{.Quads}})
@group(0) @binding(3) var<storage, read> wdt: array<{{if eq .Weights "F32"}}vec2<f32>{{else}}u32{{end}}>; // ({{.Rank}}, channels)
@group(0) @binding(4) var<storage, read> weights: array<f32>;     // (channels, {{.States}}), (channels), (channels)
@group(0) @binding(5) var<storage, read> slots: array<u32>;       // (rows)
@group(0) @binding(6) var<storage, read_write> state: array<{{if .Vec}}vec4<f32>{{else}}f32{{end}}>; // (slots, channels, {{.States}})
@group(0) @binding(7) var<storage, read_write> y: array<f32>;     // (rows, channels)
{{template "softplus"}}
{{template "silu"}}

// raw_pair is a pair of channels of column k of W_dt as it lies in memory.
fn raw_pair(k: u32, pair: u32) -> {{if eq .Weights "F32"}}vec2<f32>{{else}}u32{{end}} {
	return wdt[k * {{div (add .Channels 1) 2}}u + min(pair, {{sub (div (add .Channels 1) 2) 1}}u)];
}

fn weight_pair(raw: {{if eq .Weights "F32"}}vec2<f32>{{else}}u32{{end}}) -> vec2<f32> {
{{- if eq .Weights "F32"}}
	return raw;
{{- else if eq .Weights "F16"}}
	return unpack2x16float(raw);
{{- else}}
	return vec2<f32>(bitcast<f32>(raw << 16u), bitcast<f32>(raw & 0xffff0000u));
{{- end}}
}

var<workgroup> sums: array<vec4<f32>, {{mul .Parts .Quads}}>;   // [part][quad]
var<workgroup> p: array<f32, {{mul 4 .Quads}}>;                 // dt, B, C
var<workgroup> shares: array<vec2<f32>, {{mul .Shares .Pairs}}>; // [share][pair]
var<workgroup> ys: array<f32, 256>;                             // [channel][lane]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let row = wg.y;
	let lane = t % {{.Lanes}}u;
	let c = t / {{.Lanes}}u;
	let e = wg.x * {{.Columns}}u + c;
	let channel = min(e, {{sub .Channels 1}}u);
	let inside = e < {{.Channels}}u;
	let slot = slots[row];
	// What does not depend on the sums is on its way before them.
{{- range $k := seq .PerShare}}
	let w{{$k}} = raw_pair(min(t / {{$.Pairs}}u + {{mul $k $.Shares}}u, {{sub $.Rank 1}}u), wg.x * {{$.Pairs}}u + t % {{$.Pairs}}u);
{{- end}}
	let u = uz[row * {{mul 2 .Channels}}u + channel];
	let z = uz[row * {{mul 2 .Channels}}u + {{.Channels}}u + channel];
	let skip = weights[{{mul .Channels .States}}u + channel];
	let shift = weights[{{mul .Channels (add .States 1)}}u + channel];
{{- if .Vec}}
{{- range $k := seq .PerLane}}
	let n{{$k}} = min(lane + {{mul $k $.Lanes}}u, {{sub (div $.States 4) 1}}u) * 4u;
	let a{{$k}} = vec4<f32>(weights[channel * {{$.States}}u + n{{$k}}], weights[channel * {{$.States}}u + n{{$k}} + 1u],
		weights[channel * {{$.States}}u + n{{$k}} + 2u], weights[channel * {{$.States}}u + n{{$k}} + 3u]);
{{- end}}
{{- end}}
	// the sums over groups
	let quad = t % {{.Quads}}u;
	let part = t / {{.Quads}}u;
	if (part < {{.Parts}}u) {
		var sum = vec4<f32>(0.0);
		for (var g = part; g < {{.Groups}}u; g += {{mul .Parts .Flight}}u) {
{{- range $k := seq .Flight}}
			let q{{$k}} = parts[(min(g + {{mul $k $.Parts}}u, {{sub $.Groups 1}}u) * params.rows + row) * {{$.Quads}}u + quad];
{{- end}}
			sum += q0;
{{- range $k := seq .Flight}}{{if $k}}
			sum += select(vec4<f32>(0.0), q{{$k}}, g + {{mul $k $.Parts}}u < {{$.Groups}}u);
{{- end}}{{end}}
		}
		sums[t] = sum;
	}
	let held = (slot * {{.Channels}}u + channel) * {{.States}}u;
{{- if .Vec}}
{{- range $k := seq .PerLane}}
	let h{{$k}} = state[(held + n{{$k}}) / 4u];
{{- end}}
{{- end}}
	workgroupBarrier();
	for (var i = t; i < {{mul 4 .Quads}}u; i += 256u) {
		var sum = sums[i / 4u][i % 4u];
{{- range $k := seq .Parts}}{{if $k}}
		sum += sums[i / 4u + {{mul $k $.Quads}}u][i % 4u];
{{- end}}{{end}}
		p[i] = sum;
	}
	workgroupBarrier();
	// W_dt dt
	var d2 = vec2<f32>(0.0);
{{- range $k := seq .PerShare}}
	d2 = fma(weight_pair(w{{$k}}), vec2<f32>({{if gt (mul (add $k 1) $.Shares) $.Rank}}select(0.0, p[min(t / {{$.Pairs}}u + {{mul $k $.Shares}}u, {{sub $.Rank 1}}u)], t / {{$.Pairs}}u + {{mul $k $.Shares}}u < {{$.Rank}}u){{else}}p[t / {{$.Pairs}}u + {{mul $k $.Shares}}u]{{end}}), d2);
{{- end}}
	shares[t] = d2;
	workgroupBarrier();
	var d = shift;
{{- range $k := seq .Shares}}
	d += shares[{{mul $k $.Pairs}}u + c / 2u][c % 2u];
{{- end}}
	d = softplus(d);
	let du = d * u;
	var sum = 0.0;
{{- if .Vec}}
{{- range $k := seq .PerLane}}
	{
		let n = n{{$k}};
{{- if gt (mul (add $k 1) $.Lanes 4) $.States}}
		if (lane + {{mul $k $.Lanes}}u < {{div $.States 4}}u) {
{{- else}}
		{
{{- end}}
			let decay = exp2(d * (a{{$k}} * 1.442695041));
			let next = fma(decay, h{{$k}}, du * vec4<f32>(p[{{$.Rank}}u + n], p[{{add $.Rank 1}}u + n], p[{{add $.Rank 2}}u + n], p[{{add $.Rank 3}}u + n]));
			let s = next * vec4<f32>(p[{{add $.Rank $.States}}u + n], p[{{add $.Rank $.States 1}}u + n], p[{{add $.Rank $.States 2}}u + n], p[{{add $.Rank $.States 3}}u + n]);
			sum += (s.x + s.y) + (s.z + s.w);
			if (inside) {
				state[(held + n) / 4u] = next;
			}
		}
	}
{{- end}}
{{- else}}
	for (var n = lane; n < {{.States}}u; n += {{.Lanes}}u) {
		let next = fma(exp2(d * (weights[channel * {{.States}}u + n] * 1.442695041)), state[held + n], du * p[{{.Rank}}u + n]);
		sum = fma(next, p[{{add .Rank .States}}u + n], sum);
		if (inside) {
			state[held + n] = next;
		}
	}
{{- end}}
	ys[t] = sum;
	workgroupBarrier();
	if (lane == 0u && inside) {
{{- range $k := seq .Lanes}}{{if $k}}
		sum += ys[t + {{$k}}u];
{{- end}}{{end}}
		y[row * {{.Channels}}u + channel] = fma(skip, u, sum) * silu(z);
	}
}
