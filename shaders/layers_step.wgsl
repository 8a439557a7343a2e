// layers_step: a step of several layers for one sequence, by workgroups that wait for each
// other (arXiv 2312.00752, alg. 2).
//
//   x = residual / rms(residual) . gain
//   (u, z) = W_in x
//   u = silu(sum_k conv[e,k] past[e,k] + conv_bias[e]),  past = conv state, then u
//   (dt, B, C) = W_x u
//   d = softplus(W_dt dt + bias)
//   h = exp(d A) . h + (d u) B
//   y = (sum_n h C + D u) silu(z)
//   residual += W_out y
//
// All workgroups have to run at the same time. Each has {{.Own}} channels, {{.XOwn}} row(s) of W_x and {{.OutOwn}}
// of W_out. What the others need goes through mail, word by word, by atomic operations: a
// word that is 0 has not been sent. No order between different words is assumed. Whoever has
// asked {{.Limit}} times in vain sets word 0 of mail and waits no more, nor does any later dispatch:
// each ends in any case, and what it leaves is of no use. The residual is overwritten when
// everybody has sent what became of it.
//
// A workgroup's rows of the next layer are on their way to its registers as soon as those of
// this one are used up.
//
// In      small (layers): gain (width), conv (channels, {{.Taps}}){{if .ConvBias}}, conv_bias (channels){{end}};
//         w_in (layers, 2 channels, width), w_x (layers, {{.Outputs}}, channels), w_out (layers, width,
//         channels), padded rows; wdt (layers), W_dt transposed ({{.Rank}}, channels), padded to
//         pairs; weights (layers): A (channels, {{.States}}), D (channels), bias (channels); every
//         layer's part padded to 256 bytes; slots (1)
// Out     residual (width); past (layers, slots, channels, {{sub .Taps 1}}), oldest first; state (layers,
//         slots, channels, {{.States}}); mail: a set of {{.AreaWords}} words a layer from area on is used,
//         one from next on is zeroed for the next dispatch
// Grid    {{.Workgroups}} workgroups; {{.Threads}} invocations
// Memory  {{.Memory}} bytes: activations, then sums
// Tail    rows and channels past the end repeat the last one and are not sent
// Twin    cpu/layers_step.go
struct Params { eps: f32, area: u32, next: u32, zeros: u32, first: u32, last: u32, past_stride: u32, state_stride: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> residual: array<f32>;    // (width)
@group(0) @binding(2) var<storage, read> w_in: array<vec4<u32>>;        // (layers, 2 channels, width)
@group(0) @binding(3) var<storage, read> small: array<f32>;             // (layers), (width), (channels, {{.Taps}}), (channels)
@group(0) @binding(4) var<storage, read> slots: array<u32>;             // (1)
@group(0) @binding(5) var<storage, read> w_x: array<vec4<u32>>;         // (layers, {{.Outputs}}, channels)
@group(0) @binding(6) var<storage, read_write> past: array<f32>;        // (layers, slots, channels, {{sub .Taps 1}})
@group(0) @binding(7) var<storage, read> wdt: array<{{template "pair_type" .}}>; // (layers, {{.Rank}}, channels)
@group(0) @binding(8) var<storage, read> weights: array<vec4<f32>>;     // (layers), (channels, {{.States}}), (channels), (channels)
@group(0) @binding(9) var<storage, read_write> state: array<vec4<f32>>; // (layers, slots, channels, {{.States}})
@group(0) @binding(10) var<storage, read> w_out: array<vec4<u32>>;      // (layers, width, channels)
@group(0) @binding(11) var<storage, read_write> mail: array<atomic<u32>>;
{{template "layers_blocks" .U}}
{{template "layers_blocks" .X}}
{{template "layers_blocks" .Y}}
{{template "softplus"}}
{{template "silu"}}
{{template "pair_load" .}}

var<workgroup> pool: array<vec4<f32>, {{.Pool}}>;
var<workgroup> totals: array<f32, {{.TotalsPool}}>; // sums of lanes, [lane][slot]
var<workgroup> inner: array<f32, {{.Own}}>;       // u of the workgroup's channels
var<workgroup> summed: array<f32, {{.Outputs}}>; // dt, B and C

// weight is an element of weights.
fn weight(i: u32) -> f32 {
	return weights[i / 4u][i % 4u];
}

// send puts a number where others wait for it. The NaN that would look like nothing is
// sent as another one.
fn send(place: u32, v: f32) {
	let bits = ~bitcast<u32>(v);
	atomicStore(&mail[place], select(bits, 0x803fffffu, bits == 0u));
}

@compute @workgroup_size({{.Threads}})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let g = wg.x;
{{- range .Phases}}{{if ne .Phase "z"}}
	let lane{{.Name}} = t % {{.Lanes}}u;
	let part{{.Name}} = min(t / {{.Lanes}}u, {{sub .Sets 1}}u);
{{- end}}{{end}}
{{- range .Phases}}{{template "layers_vars" .}}{{end}}
	if (params.first < params.last) {
		let at = params.first;
{{- range .Phases}}{{template "layers_loads" .}}{{end}}
	}
	for (var i = g * {{.Threads}}u + t; i < params.zeros; i += {{mul .Workgroups .Threads}}u) {
		atomicStore(&mail[params.next + i], 0u);
	}
	var limit = {{.Limit}}u;
	if (atomicLoad(&mail[0]) != 0u) {
		limit = 0u;
	}
	let slot = slots[0];
	// Invocation t has row t of W_out and channel t of the workgroup's, and of channel c
	// the states from 4 n on.
	let o = g * {{.OutOwn}}u + t;
	let adds = t < {{.OutOwn}}u && o < {{.Width}}u;
	var sum_residual = 0.0;
	if (adds) {
		sum_residual = residual[o];
	}
	let e = g * {{.Own}}u + t;
	let owns = t < {{.Own}}u && e < {{.Channels}}u;
	let c = t / {{.Quads}}u;
	let n = t % {{.Quads}}u;
	let scans = c < {{.Own}}u && g * {{.Own}}u + c < {{.Channels}}u;
	let channel = min(g * {{.Own}}u + c, {{sub .Channels 1}}u);
	var area = params.area;
	for (var layer = params.first; layer < params.last; layer += 1u) {
		// What does not depend on the residual is on its way before that.
		let more = layer + 1u < params.last;
		let at_small = layer * {{.SmallWords}}u;
		let at_weights = layer * {{.WeightsWords}}u;
{{- range $s := seq .Stages}}
		let q{{$s}} = min(t + {{mul $s $.Threads}}u, {{sub $.NormQuads 1}}u);
		let gain{{$s}} = vec4<f32>(small[at_small + 4u * q{{$s}}], small[at_small + 4u * q{{$s}} + 1u], small[at_small + 4u * q{{$s}} + 2u], small[at_small + 4u * q{{$s}} + 3u]);
{{- end}}
		let held = layer * params.past_stride + (slot * {{.Channels}}u + e) * {{sub .Taps 1}}u;
{{- range $k := seq (sub .Taps 1)}}
		var x{{$k}} = 0.0;
{{- end}}
{{- range $k := seq .Taps}}
		var c{{$k}} = 0.0;
{{- end}}
		var shift_conv = 0.0;
		var skip = 0.0;
		if (owns) {
{{- range $k := seq (sub .Taps 1)}}
			x{{$k}} = past[held + {{$k}}u];
{{- end}}
{{- range $k := seq .Taps}}
			c{{$k}} = small[at_small + {{$.Width}}u + e * {{$.Taps}}u + {{$k}}u];
{{- end}}
{{- if .ConvBias}}
			shift_conv = small[at_small + {{add .Width (mul .Channels .Taps)}}u + e];
{{- end}}
			skip = weight(at_weights + {{mul .Channels .States}}u + e);
		}
		let kept = layer * params.state_stride + (slot * {{.Channels}}u + channel) * {{.Quads}}u + n;
		var decay = vec4<f32>(0.0);
		var h = vec4<f32>(0.0);
		var shift = 0.0;
		if (scans) {
			decay = weights[at_weights / 4u + channel * {{.Quads}}u + n] * 1.442695041;
			h = state[kept];
			shift = weight(at_weights + {{mul .Channels (add .States 1)}}u + channel);
		}
{{- range $k := seq .PerShare}}
		let pair{{$k}} = wdt[layer * {{$.WdtPairs}}u + min(t / {{$.Pairs}}u + {{mul $k $.Shares}}u, {{sub $.Rank 1}}u) * {{div (add $.Channels 1) 2}}u + min(g * {{$.Pairs}}u + t % {{$.Pairs}}u, {{sub (div (add $.Channels 1) 2) 1}}u)];
{{- end}}
		// the residual
{{- range $s := seq .Stages}}
		var v{{$s}}: vec4<f32>;
{{- end}}
		if (layer == params.first) {
{{- range $s := seq .Stages}}
			v{{$s}} = vec4<f32>(residual[4u * q{{$s}}], residual[4u * q{{$s}} + 1u], residual[4u * q{{$s}} + 2u], residual[4u * q{{$s}} + 3u]);
{{- end}}
		} else {
			let sent = area + {{.RAt}}u;
			area += {{.AreaWords}}u;
{{- range $s := seq .Stages}}
			var r{{$s}}: vec4<u32>;
{{- end}}
			for (var tries = 0u; ; tries += 1u) {
				var there = true;
{{- range $s := seq .Stages}}
				r{{$s}} = vec4<u32>(atomicLoad(&mail[sent + q{{$s}}]), atomicLoad(&mail[sent + {{$.NormQuads}}u + q{{$s}}]), atomicLoad(&mail[sent + {{mul 2 $.NormQuads}}u + q{{$s}}]), atomicLoad(&mail[sent + {{mul 3 $.NormQuads}}u + q{{$s}}]));
				there = there && all(r{{$s}} != vec4<u32>(0u));
{{- end}}
				if (there) {
					break;
				}
				{{- template "layers_give_up"}}
			}
{{- range $s := seq .Stages}}
			v{{$s}} = bitcast<vec4<f32>>(~r{{$s}});
{{- end}}
		}
		var squares = vec4<f32>(0.0);
{{- range $s := seq .Stages}}
{{- if gt (mul (add $s 1) $.Threads) $.NormQuads}}
		if (t + {{mul $s $.Threads}}u < {{$.NormQuads}}u) {
{{- else}}
		{
{{- end}}
			squares = fma(v{{$s}}, v{{$s}}, squares);
			pool[q{{$s}} % {{$.U.Planes}}u * {{$.U.Pitch}}u + q{{$s}} / {{$.U.Planes}}u] = v{{$s}} * gain{{$s}};
		}
{{- end}}
		workgroupBarrier();
{{- $u := .U}}
{{- range $l := seq .U.Take}}{{range $j := seq $u.Planes}}
		let a_in{{$l}}_{{$j}} = {{if gt (mul (add $l 1) $u.Lanes) $u.Blocks}}select(vec4<f32>(0.0), pool[{{mul $j $u.Pitch}}u + min(lane_in + {{mul $l $u.Lanes}}u, {{sub $u.Blocks 1}}u)], lane_in < {{sub $u.Blocks (mul $l $u.Lanes)}}u){{else}}pool[{{mul $j $u.Pitch}}u + lane_in + {{mul $l $u.Lanes}}u]{{end}};
{{- end}}{{end}}
		workgroupBarrier();
		{
			let at = {{mul .U.Slots .U.SlotPitch}}u + t;
			pool[at / 4u][at % 4u] = (squares.x + squares.y) + (squares.z + squares.w);
		}
		// u
{{- template "layers_dots" .U}}
		if (more) {
			let at = layer + 1u;
{{- template "layers_loads" .U}}
		}
{{- template "lanes_meet" .U}}
		var factor = 0.0;
		var v = 0.0;
		if (owns) {
			factor = 1.0 / sqrt({{template "layers_squares" .U}} / {{.Width}}.0 + params.eps);
			let x{{sub .Taps 1}} = {{template "layers_total" .U}} * factor;
			var sum = shift_conv;
{{- range $k := seq .Taps}}
			sum = fma(c{{$k}}, x{{$k}}, sum);
{{- end}}
{{- range $k := seq (sub .Taps 1)}}
			past[held + {{$k}}u] = x{{add $k 1}};
{{- end}}
			v = silu(sum);
			inner[min(t, {{sub .Own 1}}u)] = v;
			send(area + e % {{mul 4 .X.Planes}}u * {{.X.Blocks}}u + e / {{mul 4 .X.Planes}}u, v);
		}
		// z, while u is on its way
{{- template "layers_dots" .Z}}
		if (more) {
			let at = layer + 1u;
{{- template "layers_loads" .Z}}
		}
{{- template "lanes_meet" .Z}}
		var gate = 0.0;
		if (owns) {
			gate = silu({{template "layers_total" .Z}} * factor);
		}
		// dt, B and C
		if (g < {{.XGroups}}u) {
{{- template "layers_receive" .X}}
{{- template "layers_dots" .X}}
			if (more) {
				let at = layer + 1u;
{{- template "layers_loads" .X}}
			}
{{- template "lanes_meet" .X}}
			let row = g * {{.XOwn}}u + t;
			if (t < {{.XOwn}}u && row < {{.Outputs}}u) {
				send(area + {{.PAt}}u + row, {{template "layers_total" .X}});
			}
		}
		workgroupBarrier(); // nobody waits for an invocation of its own workgroup
		for (var i = t; i < {{.Outputs}}u; i += {{.Threads}}u) {
			var bits = 0u;
			for (var tries = 0u; ; tries += 1u) {
				bits = atomicLoad(&mail[area + {{.PAt}}u + i]);
				if (bits != 0u) {
					break;
				}
				{{- template "layers_give_up"}}
			}
			summed[i] = bitcast<f32>(~bits);
		}
		workgroupBarrier();
		// W_dt dt
		if (t < {{mul .Pairs .Shares}}u) {
			var d2 = vec2<f32>(0.0);
{{- range $k := seq .PerShare}}
			d2 = fma(weight_pair(pair{{$k}}), vec2<f32>({{if gt (mul (add $k 1) $.Shares) $.Rank}}select(0.0, summed[min(t / {{$.Pairs}}u + {{mul $k $.Shares}}u, {{sub $.Rank 1}}u)], t / {{$.Pairs}}u + {{mul $k $.Shares}}u < {{$.Rank}}u){{else}}summed[t / {{$.Pairs}}u + {{mul $k $.Shares}}u]{{end}}), d2);
{{- end}}
			pool[t / 2u][t % 2u * 2u] = d2.x;
			pool[t / 2u][t % 2u * 2u + 1u] = d2.y;
		}
		workgroupBarrier();
		// the scan
		if (scans) {
			var d = shift;
{{- range $k := seq .Shares}}
			d += pool[({{mul $k $.Own}}u + c) / 4u][({{mul $k $.Own}}u + c) % 4u];
{{- end}}
			d = softplus(d);
			let i = {{.Rank}}u + 4u * n;
			let b4 = vec4<f32>(summed[i], summed[i + 1u], summed[i + 2u], summed[i + 3u]);
			let c4 = vec4<f32>(summed[i + {{.States}}u], summed[i + {{add .States 1}}u], summed[i + {{add .States 2}}u], summed[i + {{add .States 3}}u]);
			let next = fma(exp2(d * decay), h, d * inner[min(c, {{sub .Own 1}}u)] * b4);
			state[kept] = next;
			let s = next * c4;
			pool[{{.ScanAt}}u + t / 4u][t % 4u] = (s.x + s.y) + (s.z + s.w);
		}
		workgroupBarrier();
		if (owns) {
			var sum = skip * v;
{{- range $k := seq .Quads}}
			sum += pool[{{$.ScanAt}}u + (t * {{$.Quads}}u + {{$k}}u) / 4u][(t * {{$.Quads}}u + {{$k}}u) % 4u];
{{- end}}
			send(area + {{.YAt}}u + e % {{mul 4 .Y.Planes}}u * {{.Y.Blocks}}u + e / {{mul 4 .Y.Planes}}u, sum * gate);
		}
		workgroupBarrier();
		// the product that is added to the residual
{{- template "layers_receive" .Y}}
{{- template "layers_dots" .Y}}
		if (more) {
			let at = layer + 1u;
{{- template "layers_loads" .Y}}
		}
{{- template "lanes_meet" .Y}}
		if (adds) {
			sum_residual += {{template "layers_total" .Y}};
			if (more) {
				send(area + {{.RAt}}u + o % 4u * {{.NormQuads}}u + o / 4u, sum_residual);
			} else {
				residual[o] = sum_residual;
			}
		}
		workgroupBarrier();
	}
}
