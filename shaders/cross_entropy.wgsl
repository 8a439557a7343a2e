// cross_entropy: the cross-entropy of rows of logits{{if .Gradient}}, and its gradient in their place{{end}}.
//
//   losses[r] = log sum_v exp(logits[r,v]) - logits[r,target]
{{- if .Gradient}}
//   logits[r,v] = scale (exp(logits[r,v]) / sum_w exp(logits[r,w]) - [v = target])
{{- end}}
//
// An invocation holds {{.Held}} {{if .Vec}}vectors{{else}}elements{{end}} of a row in registers.
{{- if .Rest}} Of the others, the largest logit
// and the sum of exponentials relative to it are kept up together (arXiv 1805.02867,
// alg. 3){{if .Gradient}}, and they are read again for the gradient{{end}}.
{{- end}}
//
// In      logits (rows, vocab); targets (off_target + rows)
// Out     losses (off_loss + rows){{if .Gradient}}; logits{{end}}
// Grid    one workgroup a row, spread over x and y; 256 invocations
// Memory  2 KiB of maxima and sums
// Tail    workgroups past the last row do nothing; a target that is not below vocab gives 0
// Twin    cpu/cross_entropy.go
struct Params { rows: u32, vocab: u32, off_target: u32, off_loss: u32, scale: f32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> logits: array<{{template "element" .}}>; // (rows, vocab)
@group(0) @binding(2) var<storage, read> targets: array<u32>;       // (off_target + rows)
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;  // (off_loss + rows)

var<workgroup> tops: array<f32, 256>;
var<workgroup> sums: array<f32, 256>;

fn highest(v: {{template "element" .}}) -> f32 {
	return {{if .Vec}}max(max(v.x, v.y), max(v.z, v.w)){{else}}v{{end}};
}

fn exponentials(v: {{template "element" .}}, top: f32) -> f32 {
	return {{if .Vec}}dot(exp(v - top), vec4<f32>(1.0)){{else}}exp(v - top){{end}};
}
{{- if .Gradient}}

// slope is the gradient of element i of a row, v, where share is scale and factor is
// scale over the row's sum.
fn slope(v: {{template "element" .}}, top: f32, factor: f32, share: f32, i: u32, goal: u32) -> {{template "element" .}} {
{{- if .Vec}}
	let first = i * 4u;
	let hit = vec4<u32>(first, first + 1u, first + 2u, first + 3u) == vec4<u32>(goal);
	return fma(exp(v - top), vec4<f32>(factor), select(vec4<f32>(0.0), vec4<f32>(-share), hit));
{{- else}}
	return fma(exp(v - top), factor, select(0.0, -share, i == goal));
{{- end}}
}
{{- end}}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let row = wg.y * groups.x + wg.x;
	if (row >= params.rows) {
		return;
	}
	let goal = targets[params.off_target + row];
	let count = params.vocab{{if .Vec}} / 4u{{end}};
	let base = row * count;
	var top = -3.4e38;
	var sum = 0.0;
{{- range $j := seq .Held}}
	let i{{$j}} = t + {{mul $j 256}}u;
	let v{{$j}} = select({{template "element" $}}(-3.4e38), logits[base + min(i{{$j}}, count - 1u)], i{{$j}} < count);
	top = max(top, highest(v{{$j}}));
{{- end}}
{{- range $j := seq .Held}}
	sum += exponentials(v{{$j}}, top);
{{- end}}
{{- if .Rest}}
	for (var i = t + {{mul .Held 256}}u; i < count; i += 256u) {
		let v = logits[base + i];
		let higher = max(top, highest(v));
		sum = fma(sum, exp(top - higher), exponentials(v, higher));
		top = higher;
	}
{{- end}}
	tops[t] = top;
	sums[t] = sum;
	let place = min(goal, params.vocab - 1u);
	let own = logits[base + place{{if .Vec}} / 4u][place % 4u{{end}}];
	workgroupBarrier();
	for (var half = 128u; half > 0u; half /= 2u) {
		if (t < half) {
			let other = min(t + half, 255u);
			let higher = max(tops[t], tops[other]);
			sums[t] = fma(sums[t], exp(tops[t] - higher), sums[other] * exp(tops[other] - higher));
			tops[t] = higher;
		}
		workgroupBarrier();
	}
	top = tops[0];
	let known = goal < params.vocab;
	if (t == 0u) {
		losses[params.off_loss + row] = select(0.0, (top - own) + log(sums[0]), known);
	}
{{- if .Gradient}}
	let share = select(0.0, params.scale, known);
	let factor = share / sums[0];
{{- range $j := seq .Held}}
	if (i{{$j}} < count) {
		logits[base + i{{$j}}] = slope(v{{$j}}, top, factor, share, i{{$j}}, goal);
	}
{{- end}}
{{- if .Rest}}
	for (var i = t + {{mul .Held 256}}u; i < count; i += 256u) {
		logits[base + i] = slope(logits[base + i], top, factor, share, i, goal);
	}
{{- end}}
{{- end}}
}
