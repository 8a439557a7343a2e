// dt_proj: the projection that gives the step sizes (arXiv 2312.00752, alg. 2).
//
//   delta[t,e] = softplus(sum_r x[t*stride + offset + r] * w[e,r] + bias[e])
//
// w lies transposed, so that neighbouring channels are neighbours in memory. An
// invocation computes two channels of {{.Rows}} row(s); the rows' inputs lie in
// workgroup memory, 32 at a time.
//
// In      x, rows of rank elements; w^T (rank, channels), padded to pairs; bias (channels)
// Out     delta (rows, channels)
// Grid    (ceil(channels/128), ceil(rows/{{.Rows}})); 64 invocations
// Memory  {{mul .Rows 128}} bytes
// Tail    rows and channels past the end are computed from zeros and not written
// Twin    cpu/dt_proj.go
struct Params { rows: u32, channels: u32, rank: u32, stride: u32, offset: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;           // (rows, stride)
@group(0) @binding(2) var<storage, read> w: array<{{if eq .Weights "F32"}}vec2<f32>{{else}}u32{{end}}>; // (rank, channels)
@group(0) @binding(3) var<storage, read> bias: array<f32>;        // (channels)
@group(0) @binding(4) var<storage, read_write> delta: array<f32>; // (rows, channels)
{{template "softplus"}}

fn weight_pair(i: u32) -> vec2<f32> {
{{- if eq .Weights "F32"}}
	return w[i];
{{- else if eq .Weights "F16"}}
	return unpack2x16float(w[i]);
{{- else}}
	return vec2<f32>(bitcast<f32>(w[i] << 16u), bitcast<f32>(w[i] & 0xffff0000u));
{{- end}}
}

var<workgroup> inputs: array<f32, {{mul .Rows 32}}>;

@compute @workgroup_size(64)
fn main(
	@builtin(global_invocation_id) id: vec3<u32>,
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let pairs = (params.channels + 1u) / 2u;
	let pair = min(id.x, pairs - 1u);
	let row0 = wg.y * {{.Rows}}u;
{{- range $i := seq .Rows}}
	var s{{$i}} = vec2<f32>(0.0);
{{- end}}
	for (var r0 = 0u; r0 < params.rank; r0 += 32u) {
		workgroupBarrier();
		for (var i = t; i < {{mul .Rows 32}}u; i += 64u) {
			let row = row0 + i / 32u;
			let r = r0 + i % 32u;
			var v = 0.0;
			if (row < params.rows && r < params.rank) {
				v = x[row * params.stride + params.offset + r];
			}
			inputs[i] = v;
		}
		workgroupBarrier();
		let end = min(32u, params.rank - r0);
		for (var r = 0u; r < end; r++) {
			let v = weight_pair((r0 + r) * pairs + pair);
{{- range $i := seq .Rows}}
			s{{$i}} = fma(v, vec2<f32>(inputs[{{mul $i 32}}u + r]), s{{$i}});
{{- end}}
		}
	}
	let e = id.x * 2u;
	if (e >= params.channels) {
		return;
	}
	let both = e + 1u < params.channels;
	let b0 = bias[e];
	let b1 = bias[min(e + 1u, params.channels - 1u)];
{{- range $i := seq .Rows}}
	if (row0 + {{$i}}u < params.rows) {
		let o = (row0 + {{$i}}u) * params.channels + e;
		delta[o] = softplus(s{{$i}}.x + b0);
		if (both) { delta[o + 1u] = softplus(s{{$i}}.y + b1); }
	}
{{- end}}
}
