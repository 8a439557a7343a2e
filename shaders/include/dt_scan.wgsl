{{/* The second half of a layer's step, from x_proj's sums over groups of channels to y,
in dt_scan_step and scan_gate_step. dt_scan declares scan(group, row, t), which takes
Columns channels of a sequence: Lanes invocations each for the states, Shares a pair of channels
for W_dt. It uses ScanPool vectors of pool: the sums of parts, from SumAt on the sums of
those, from ShareAt on shares of W_dt dt, and in the end parts of y.

With Gate the sums are not gated and go to yz, as planes. With Flow dt, B, C, u and z come
from flow (StepFlow), and the gated sums go to gated, which is in workgroup memory. */}}
{{define "dt_scan"}}
{{template "softplus"}}
{{template "silu"}}
{{template "pair_load" .}}

// weight is an element of weights.
fn weight(i: u32) -> f32 {
	return {{if .Vec}}weights[i / 4u][i % 4u]{{else}}weights[i]{{end}};
}

// summed is element i of dt, B and C.
fn summed(i: u32) -> f32 {
	return pool[{{.SumAt}}u + i / 4u][i % 4u];
}

// summed_quad is four elements from i on{{if not (mod .Rank 4)}}, a multiple of four{{end}}.
fn summed_quad(i: u32) -> vec4<f32> {
{{- if mod .Rank 4}}
	return vec4<f32>(summed(i), summed(i + 1u), summed(i + 2u), summed(i + 3u));
{{- else}}
	return pool[{{.SumAt}}u + i / 4u];
{{- end}}
}

{{- if .Gate}}

// plane is the place of a channel in a row that is read as planes.
fn plane(e: u32) -> u32 {
	return (e / 4u % {{.Planes}}u * {{div .Channels (mul 4 .Planes)}}u + e / {{mul 4 .Planes}}u) * 4u + e % 4u;
}
{{- end}}

fn scan(group: u32, row: u32, t: u32) {
	let lane = t % {{.Lanes}}u;
	let c = t / {{.Lanes}}u;
	let e = group * {{.Columns}}u + c;
	let channel = min(e, {{sub .Channels 1}}u);
	let inside = e < {{.Channels}}u;
	let slot = slots[row];
	// What does not depend on the sums is on its way before them.
{{- range $k := seq .PerShare}}
	let w{{$k}} = raw_pair(min(t / {{$.Pairs}}u + {{mul $k $.Shares}}u, {{sub $.Rank 1}}u), group * {{$.Pairs}}u + t % {{$.Pairs}}u);
{{- end}}
{{- if .Gate}}
	let inner = u[row * {{.Channels}}u + channel];
{{- else if .Flow}}
	let inner = bitcast<f32>(at({{.Flow.UZ}}u + channel));
	let z = bitcast<f32>(at({{add .Flow.UZ .Channels}}u + channel));
{{- else}}
	let inner = uz[row * {{mul 2 .Channels}}u + channel];
	let z = uz[row * {{mul 2 .Channels}}u + {{.Channels}}u + channel];
{{- end}}
	let skip = weight({{mul .Channels .States}}u + channel);
	let shift = weight({{mul .Channels (add .States 1)}}u + channel);
{{- if .Vec}}
{{- range $k := seq .PerLane}}
	let n{{$k}} = min(lane + {{mul $k $.Lanes}}u, {{sub (div $.States 4) 1}}u) * 4u;
	let a{{$k}} = weights[(channel * {{$.States}}u + n{{$k}}) / 4u];
{{- end}}
{{- end}}
{{- if .Flow}}
	{{- template "dt_scan_state" .}}
	// the sums, out of bins, whose flags are waited for
	for (var i = t; i < {{add .Rank (mul 2 .States)}}u; i += 256u) {
		pool[{{.SumAt}}u + i / 4u][i % 4u] = x_sum(i);
	}
{{- else}}
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
		pool[t] = sum;
	}
	{{- template "dt_scan_state" .}}
	workgroupBarrier();
	for (var i = t; i < {{mul 4 .Quads}}u; i += 256u) {
		var sum = pool[i / 4u][i % 4u];
{{- range $k := seq .Parts}}{{if $k}}
		sum += pool[i / 4u + {{mul $k $.Quads}}u][i % 4u];
{{- end}}{{end}}
		pool[{{.SumAt}}u + i / 4u][i % 4u] = sum;
	}
{{- end}}
	workgroupBarrier();
	// W_dt dt
	var d2 = vec2<f32>(0.0);
{{- range $k := seq .PerShare}}
	d2 = fma(weight_pair(w{{$k}}), vec2<f32>({{if gt (mul (add $k 1) $.Shares) $.Rank}}select(0.0, summed(min(t / {{$.Pairs}}u + {{mul $k $.Shares}}u, {{sub $.Rank 1}}u)), t / {{$.Pairs}}u + {{mul $k $.Shares}}u < {{$.Rank}}u){{else}}summed(t / {{$.Pairs}}u + {{mul $k $.Shares}}u){{end}}), d2);
{{- end}}
	pool[{{.ShareAt}}u + t / 2u][t % 2u * 2u] = d2.x;
	pool[{{.ShareAt}}u + t / 2u][t % 2u * 2u + 1u] = d2.y;
	workgroupBarrier();
	var d = shift;
{{- range $k := seq .Shares}}
	d += pool[{{add $.ShareAt (div (mul $k $.Pairs) 2)}}u + c / 4u][c % 4u];
{{- end}}
	d = softplus(d);
	let du = d * inner;
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
			let next = fma(decay, h{{$k}}, du * summed_quad({{$.Rank}}u + n));
			let s = next * summed_quad({{add $.Rank $.States}}u + n);
			sum += (s.x + s.y) + (s.z + s.w);
			if (inside) {
				state[(held + n) / 4u] = next;
			}
		}
	}
{{- end}}
{{- else}}
	for (var n = lane; n < {{.States}}u; n += {{.Lanes}}u) {
		let next = fma(exp2(d * (weight(channel * {{.States}}u + n) * 1.442695041)), state[held + n], du * summed({{.Rank}}u + n));
		sum = fma(next, summed({{add .Rank .States}}u + n), sum);
		if (inside) {
			state[held + n] = next;
		}
	}
{{- end}}
	pool[t / 4u][t % 4u] = sum;
	workgroupBarrier();
	if (lane == 0u && inside) {
{{- range $k := seq .Lanes}}{{if $k}}
		sum += pool[(t + {{$k}}u) / 4u][(t + {{$k}}u) % 4u];
{{- end}}{{end}}
{{- if .Gate}}
		yz[row * {{mul 2 .Channels}}u + plane(channel)] = fma(skip, inner, sum);
{{- else if .Flow}}
		gated[c / 4u][c % 4u] = fma(skip, inner, sum) * silu(z);
{{- else}}
		y[row * {{.Channels}}u + channel] = fma(skip, inner, sum) * silu(z);
{{- end}}
	}
}
{{- end}}

{{define "dt_scan_state"}}
	let held = (slot * {{.Channels}}u + channel) * {{.States}}u;
{{- if .Vec}}
{{- range $k := seq .PerLane}}
	let h{{$k}} = state[(held + n{{$k}}) / 4u];
{{- end}}
{{- end}}
{{- end}}
