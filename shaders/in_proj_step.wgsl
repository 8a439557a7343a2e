// in_proj_step: the first half of a layer's step for {{.Rows}} sequence(s), rms_norm to silu
// (arXiv 2312.00752, alg. 2), and x_proj's sums over groups of channels.
//
//   x = a / rms(a) . gain
//   (u, z) = W_in x + in_bias
//   u = silu(sum_k conv[e,k] past[e,k] + conv_bias[e]),  past = state, then u
//   parts[g] = sum over the channels e of group g of W_x[:,e] u[e]
//
// The norm's factor is applied to the sums. A workgroup has {{.Columns}} rows of W_in: the first
// ones each a group of channels of u, the others as many of z.
//
// In      a {{if .Planar}}(k): x as planes, yet to be multiplied by the factor, {{.SquareSums}} sums of squares{{else}}(rows, k){{end}}; w, W_in (2 channels, k), padded rows; small: gain (k),
//         conv (channels, {{.Taps}}), conv_bias (channels), in_bias (2 channels), the last two if
//         there are such; slots (rows); wx, W_x ({{.Outputs}}, channels) by columns;
//         state (slots, channels, {{sub .Taps 1}}), oldest first
// Out     uz (rows, 2 channels): u, then z; parts (groups, rows, {{.Stride}}); state, moved on by
//         one step
// Grid    {{if not .Split}}2 {{end}}groups workgroups over x and y; {{.Threads}} invocations
// Memory  {{.Memory}} bytes: activations, then sums; u and x_proj's sums
// Tail    channels past the end repeat the last row of W_in, count as zero and are not
//         written
// Twin    cpu/in_proj_step.go{{if .Flow}}, cpu/flow_in_step.go
//
// Here, of flow_in_step, the sums of x_proj go through bins, and a is the residual as the
// layer before left it (StepFlow in package shaders).{{end}}
struct Params { eps: f32, off_conv: u32, off_conv_bias: u32, off_in_bias: u32 }
@group(0) @binding(0) var<uniform> params: Params;
{{- if and .Flow .Flow.First}}
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>; // (k)
{{- else if .Flow}}
@group(0) @binding(1) var<storage, read> before: array<vec4<i32>>; // the flow of the layer before
{{- else}}
@group(0) @binding(1) var<storage, read> a: array<{{template "activation_type" .}}>; // (rows, k)
{{- end}}
@group(0) @binding(2) var<storage, read> w: array<vec4<u32>>;        // (2 channels, k)
@group(0) @binding(3) var<storage, read> small: array<{{template "gain_type" .}}>;   // (k), (channels, {{.Taps}}), (channels), (2 channels)
@group(0) @binding(4) var<storage, read> slots: array<u32>;          // (rows)
@group(0) @binding(5) var<storage, read> wx: array<{{template "x_type" .}}>; // ({{.Outputs}}, channels)
@group(0) @binding(6) var<storage, read_write> state: array<f32>;    // (slots, channels, {{sub .Taps 1}})
{{- if .Flow}}
@group(0) @binding(7) var<storage, read_write> flow: array<atomic<i32>>; // of the layer
{{- else}}
@group(0) @binding(7) var<storage, read_write> uz: array<f32>;       // (rows, 2 channels)
@group(0) @binding(8) var<storage, read_write> parts: array<f32>;     // (groups, rows, {{.Stride}})
{{- end}}
{{template "row_blocks" .}}
{{template "row_sum" .}}
{{template "silu"}}
{{template "x_weights" .}}
{{- if and .Flow (not .Flow.First)}}

// at is four words of the flow before.
fn at(i: u32) -> vec4<i32> {
	return before[i];
}
{{template "bin_sum" .Flow.OutSums}}

// activation is four elements of the residual, zeros past its end.
fn activation(row: u32, q: u32) -> vec4<f32> {
	if (q >= {{.NormQuads}}u) {
		return vec4<f32>(0.0);
	}
	return bitcast<vec4<f32>>(before[{{div .Flow.Residual 4}}u + q]) + out_sum(q);
}
{{- else if .Planar}}

// activation is quad q of row m, planes.
fn activation(m: u32, q: u32) -> vec4<f32> {
	return a[m * {{.NormQuads}}u + q];
}

// square_share is an invocation's share of the row's squares.{{$quads := ceilDiv .SquareSums 4}}
fn square_share(m: u32, t: u32) -> vec4<f32> {
	var sum = vec4<f32>(0.0);
	for (var i = t; i < {{$quads}}u; i += {{.Threads}}u) {
		let x = a[{{.NormQuads}}u + i];
{{- if mod .SquareSums 4}}
		sum += select(vec4<f32>(0.0), x, vec4<u32>(i * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>({{.SquareSums}}u));
{{- else}}
		sum += x;
{{- end}}
	}
	return sum;
}
{{- else}}
{{template "row_activation" .}}
{{- end}}
{{- if not .Planar}}
{{template "row_gain" .}}
{{- end}}
{{- if .Flow}}

// carry hands the residual on where it is this workgroup's turn.
fn carry(place: u32, q: u32, x: vec4<f32>) {
	if (q % {{.Flow.Workgroups}}u == place && q < {{.NormQuads}}u) {
{{- range $i := seq 4}}
		atomicStore(&flow[{{$.Flow.Residual}}u + q * 4u + {{$i}}u], bitcast<i32>(x.{{comp $i}}));
{{- end}}
	}
}
{{template "bin_add" .Flow.XSums}}
{{- end}}

// put is uz[i] = v.
fn put(i: u32, v: f32) {
{{- if .Flow}}
	atomicStore(&flow[{{.Flow.UZ}}u + i], bitcast<i32>(v));
{{- else}}
	uz[i] = v;
{{- end}}
}

// small_at is an element of small.
fn small_at(i: u32) -> f32 {
	return {{if .VecGain}}small[i / 4u][i % 4u]{{else}}small[i]{{end}};
}

{{if .Split}}
// hand writes a quad of row m of x, of which it is quad q as planes, for scan_gate_step.
fn hand(m: u32, q: u32, x: vec4<f32>) {
	let at = {{mul .Groups .Rows .Stride}}u + (m * {{.NormQuads}}u + q) * 4u;
	parts[at] = x.x;
	parts[at + 1u] = x.y;
	parts[at + 2u] = x.z;
	parts[at + 3u] = x.w;
}
{{- if .Keep}}

// keep hands quad q of row m of x on where it is this workgroup's turn.
fn keep(place: u32, m: u32, q: u32, x: vec4<f32>) {
	if (q % {{.Groups}}u == place && q < {{.NormQuads}}u) {
		hand(m, q % {{.Planes}}u * {{.Blocks}}u + q / {{.Planes}}u, x);
	}
}
{{- end}}
{{end}}
var<workgroup> shares: array<f32, {{mul .Rows .Outputs .Shares}}>; // of the sums
var<workgroup> inner: array<vec4<f32>, {{div (mul .Rows .Columns) 4}}>; // u of the group, [row][quad]

@compute @workgroup_size({{.Threads}})
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) grid: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let place = wg.y * grid.x + wg.x;
{{- if .Split}}
	let g = place;
	let first_row = g * {{.Columns}}u;
{{- else}}
	let gate = place >= {{.Groups}}u;
	let g = select(place, place - {{.Groups}}u, gate);
	let first_row = g * {{.Columns}}u + select(0u, {{.Channels}}u, gate);
{{- end}}
	let r = t % {{.Columns}}u;
	let m = t / {{.Columns}}u;
	let e = g * {{.Columns}}u + r;
	let owns = m < {{.Rows}}u && e < {{.Channels}}u;
{{- range $k := seq (sub .Taps 1)}}
	var x{{$k}} = 0.0;
{{- end}}
{{- range $k := seq .Taps}}
	var c{{$k}} = 0.0;
{{- end}}
{{- if .ConvBias}}
	var shift = 0.0;
{{- end}}
{{- range $k := seq (div .Span .Wide)}}
	var h{{$k}} = {{template "x_type" $}}();
	var f{{$k}} = {{template "x_scale_type" $}}();
{{- end}}
	let slot = slots[min(m, {{sub .Rows 1}}u)];
{{- if eq .Weights "Q8"}}
	let scale = weight_scale(first_row + r);
{{- end}}
{{- if .Planar}}
	for (var q = place + t * {{.Groups}}u; q < {{.NormQuads}}u; q += {{mul .Groups .Threads}}u) {
		hand(0u, q, a[q]);
	}
{{- end}}
	{{template "row_dots" .}}
	var v = 0.0;
	if (owns) {
		v = row_sum(r, m) * row_rms(m);
{{- if eq .Weights "Q8"}}
		v *= scale;
{{- end}}
{{- if .Bias}}
		v += small_at(params.off_in_bias + first_row + r);
{{- end}}
{{- if not .Split}}
		if (gate) {
			put(m * {{.N}}u + first_row + r, v);
		} else
{{- end}}
		{
			let x{{sub .Taps 1}} = v;
			var sum = {{if .ConvBias}}shift{{else}}0.0{{end}};
{{- range $k := seq .Taps}}
			sum = fma(c{{$k}}, x{{$k}}, sum);
{{- end}}
			let held = (slot * {{.Channels}}u + e) * {{sub .Taps 1}}u;
{{- range $k := seq (sub .Taps 1)}}
			state[held + {{$k}}u] = x{{add $k 1}};
{{- end}}
			v = silu(sum);
			put(m * {{if .Split}}{{.Channels}}{{else}}{{.N}}{{end}}u + e, v);
		}
	}
{{- if .Split}}
	if (g == 0u && t < {{.Rows}}u) {
		parts[{{add (mul .Groups .Rows .Stride) (mul 4 .Rows .NormQuads)}}u + t] = row_rms(t);
	}
{{- else}}
	if (gate) {
		return;
	}
{{- end}}
	if (m < {{.Rows}}u) {
		inner[m * {{div .Columns 4}}u + r / 4u][r % 4u] = v;
	}
	workgroupBarrier();
	if (t < {{mul .Outputs .Shares}}u) {
{{- range $m := seq .Rows}}
		var p{{$m}} = 0.0;
{{- end}}
{{- range $k := seq .Span}}
		{
			let y = x_quad(h{{div $k $.Wide}}, x_scale_of(f{{div $k $.Wide}}, x_place(g, t, {{$k}}u)), {{if gt $.Wide 1}}{{$k}}u{{else}}x_place(g, t, {{$k}}u){{end}});
{{- range $m := seq $.Rows}}
			p{{$m}} += dot(y, inner[t % {{$.Shares}}u * {{$.Span}}u + {{add (mul $m (div $.Columns 4)) $k}}u]);
{{- end}}
		}
{{- end}}
{{- range $m := seq .Rows}}
		shares[{{mul $m $.Outputs $.Shares}}u + t] = p{{$m}};
{{- end}}
	}
	workgroupBarrier();
	for (var i = t; i < {{mul .Rows .Outputs}}u; i += {{.Threads}}u) {
		var sum = shares[i * {{.Shares}}u];
{{- range $k := seq .Shares}}{{if $k}}
		sum += shares[i * {{$.Shares}}u + {{$k}}u];
{{- end}}{{end}}
{{- if .Flow}}
		x_add(i, sum);
{{- else}}
		parts[(g * {{.Rows}}u + i / {{.Outputs}}u) * {{.Stride}}u + i % {{.Outputs}}u] = sum;
{{- end}}
	}
}
{{define "in_proj_step_loads"}}
		{{if not .Planar}}if (start == 0u{{if not .Split}} && !gate{{end}}) {{else if not .Split}}if (!gate) {{end}}{
			let held = (slot * {{.Channels}}u + min(e, {{sub .Channels 1}}u)) * {{sub .Taps 1}}u;
			if (owns) {
{{- range $k := seq (sub .Taps 1)}}
				x{{$k}} = state[held + {{$k}}u];
{{- end}}
{{- if and .VecGain (eq .Taps 4)}}
				let taps = small[params.off_conv / 4u + e];
{{- range $k := seq .Taps}}
				c{{$k}} = taps.{{comp $k}};
{{- end}}
{{- else}}
{{- range $k := seq .Taps}}
				c{{$k}} = small_at(params.off_conv + e * {{$.Taps}}u + {{$k}}u);
{{- end}}
{{- end}}
{{- if .ConvBias}}
				shift = small_at(params.off_conv_bias + e);
{{- end}}
			}
			if (t < {{mul .Outputs .Shares}}u) {
{{- range $k := seq (div .Span .Wide)}}
				h{{$k}} = x_raw(x_place(g, t, {{mul $k $.Wide}}u));
				f{{$k}} = x_scale_raw(x_place(g, t, {{mul $k $.Wide}}u));
{{- end}}
			}
		}
{{- end}}
