// dt_proj: the projection that gives the step sizes (arXiv 2312.00752, alg. 2).
//
//   delta[t,e] = softplus(sum_r x[t*stride + offset + r] * w[e,r] + bias[e])
//
// w lies transposed, so that neighbouring channels are neighbours in memory. A
// workgroup computes 128 channels of {{.Tile}} row(s): 32 invocations share a row, with four
// channels each, and an invocation has {{.Rows}} row(s). The rows' inputs lie in workgroup
// memory, {{mul 4 .Chunk}} at a time; the weights come through the cache.
//
// In      x, rows of {{.Rank}} elements; w^T ({{.Rank}}, channels), padded to pairs; bias (channels)
// Out     delta (rows, channels)
// Grid    (ceil(channels/128), ceil(rows/{{.Tile}})); {{.Invocations}} invocations
// Memory  {{.Memory}} bytes
// Tail    rows and channels past the end are computed from others and not
//         written; inputs past the last are zero
// Twin    cpu/dt_proj.go
struct Params { rows: u32, channels: u32, stride: u32, offset: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<{{if .Vec}}vec4<f32>{{else}}f32{{end}}>;   // (rows, stride)
@group(0) @binding(2) var<storage, read> w: array<{{if eq .Weights "F32"}}{{if .Fours}}vec4<f32>{{else}}vec2<f32>{{end}}{{else}}{{if .Fours}}vec2<u32>{{else}}u32{{end}}{{end}}>; // ({{.Rank}}, channels)
@group(0) @binding(3) var<storage, read> bias: array<f32>;        // (channels)
@group(0) @binding(4) var<storage, read_write> delta: array<{{if .Fours}}vec4<f32>{{else}}f32{{end}}>; // (rows, channels)
{{template "softplus"}}
{{- if ne .Weights "F32"}}

fn weight_pair(raw: u32) -> vec2<f32> {
{{- if eq .Weights "F16"}}
	return unpack2x16float(raw);
{{- else}}
	return vec2<f32>(bitcast<f32>(raw << 16u), bitcast<f32>(raw & 0xffff0000u));
{{- end}}
}
{{- end}}

// weights are those of input r, or of the last, for four channels.
fn weights(r: u32, four: u32) -> vec4<f32> {
	let row = {{if mod .Rank 4}}min(r, {{sub .Rank 1}}u){{else}}r{{end}};
{{- if .Fours}}
	let raw = w[row * (params.channels / 4u) + four];
	return {{if eq .Weights "F32"}}raw{{else}}vec4<f32>(weight_pair(raw.x), weight_pair(raw.y)){{end}};
{{- else}}
	let pairs = (params.channels + 1u) / 2u;
	let lo = w[row * pairs + min(four * 2u, pairs - 1u)];
	let hi = w[row * pairs + min(four * 2u + 1u, pairs - 1u)];
	return {{if eq .Weights "F32"}}vec4<f32>(lo, hi){{else}}vec4<f32>(weight_pair(lo), weight_pair(hi)){{end}};
{{- end}}
}

// inputs_of are elements 4q to 4q+3 of a row, zero past the last.
fn inputs_of(row: u32, q: u32) -> vec4<f32> {
	let first = row * params.stride + params.offset;
{{- if .Vec}}
	return x[first / 4u + min(q, {{sub (div .Rank 4) 1}}u)];
{{- else}}
	let r = vec4<u32>(q * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
	let at = vec4<u32>(first) + min(r, vec4<u32>({{sub .Rank 1}}u));
	return select(vec4<f32>(0.0), vec4<f32>(x[at.x], x[at.y], x[at.z], x[at.w]), r < vec4<u32>({{.Rank}}u));
{{- end}}
}

fn store_delta(row: u32, four: u32, sum: vec4<f32>) {
	let e = four * 4u;
	if (row >= params.rows || e >= params.channels) {
		return;
	}
	let d = vec4<f32>(softplus(sum.x), softplus(sum.y), softplus(sum.z), softplus(sum.w));
{{- if .Fours}}
	delta[(row * params.channels + e) / 4u] = d;
{{- else}}
	let at = row * params.channels + e;
	delta[at] = d.x;
	if (e + 1u < params.channels) { delta[at + 1u] = d.y; }
	if (e + 2u < params.channels) { delta[at + 2u] = d.z; }
	if (e + 3u < params.channels) { delta[at + 3u] = d.w; }
{{- end}}
}

var<workgroup> inputs: array<array<vec4<f32>, {{.Chunk}}>, {{.Tile}}>;

@compute @workgroup_size({{.Invocations}})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let four = wg.x * 32u + t % 32u;
	let near = min(four, (params.channels - 1u) / 4u);
	let first_row = wg.y * {{.Tile}}u;
	let own = t / 32u * {{.Rows}}u;
	let e = min(vec4<u32>(near * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.channels - 1u));
	let shift = vec4<f32>(bias[e.x], bias[e.y], bias[e.z], bias[e.w]);
{{- range $i := seq .Rows}}
	var s{{$i}} = shift;
{{- end}}
	for (var q0 = 0u; q0 < {{.Quads}}u; q0 += {{.Chunk}}u) {
		workgroupBarrier();
		for (var i = t; i < {{mul .Tile .Chunk}}u; i += {{.Invocations}}u) {
			inputs[i / {{.Chunk}}u][i % {{.Chunk}}u] = inputs_of(min(first_row + i / {{.Chunk}}u, params.rows - 1u), q0 + i % {{.Chunk}}u);
		}
		workgroupBarrier();
		for (var q = 0u; q < {{if .Even}}{{.Chunk}}u{{else}}min({{.Chunk}}u, {{.Quads}}u - q0){{end}}; q++) {
{{- range $k := seq 4}}
			let w{{$k}} = weights((q0 + q) * 4u + {{$k}}u, near);
{{- end}}
{{- range $i := seq .Rows}}
			let x{{$i}} = inputs[own + {{$i}}u][q];
{{- range $k := seq 4}}
			s{{$i}} = fma(vec4<f32>(x{{$i}}.{{comp $k}}), w{{$k}}, s{{$i}});
{{- end}}
{{- end}}
		}
	}
{{- range $i := seq .Rows}}
	store_delta(first_row + own + {{$i}}u, four, s{{$i}});
{{- end}}
}
