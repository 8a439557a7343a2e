// dt_proj: the projection that gives the step sizes (arXiv 2312.00752, alg. 2).
//
//   delta[t,e] = softplus(sum_r x[t*stride + offset + r] * w[e,r] + bias[e])
//
// w lies transposed, so that neighbouring channels are neighbours in memory. A
// workgroup computes 128 channels of {{.Tile}} row(s): 32 invocations share a row, with two
// pairs of channels each, and an invocation has {{.Rows}} row(s). The rows' inputs lie in
// workgroup memory, 32 at a time; the weights come through the cache.
//
// In      x, rows of rank elements; w^T (rank, channels), padded to pairs; bias (channels)
// Out     delta (rows, channels)
// Grid    (ceil(channels/128), ceil(rows/{{.Tile}})); {{.Invocations}} invocations
// Memory  {{mul .Tile 128}} bytes
// Tail    rows and channels past the end are computed from others and not
//         written; inputs past rank are zero
// Twin    cpu/dt_proj.go
struct Params { rows: u32, channels: u32, rank: u32, stride: u32, offset: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;           // (rows, stride)
@group(0) @binding(2) var<storage, read> w: array<{{if eq .Weights "F32"}}vec2<f32>{{else}}u32{{end}}>; // (rank, channels)
@group(0) @binding(3) var<storage, read> bias: array<f32>;        // (channels)
@group(0) @binding(4) var<storage, read_write> delta: array<{{if .Even}}vec2<f32>{{else}}f32{{end}}>; // (rows, channels)
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

// weights are those of input r, or of the last, for two pairs of channels.
fn weights(r: u32, pair0: u32, pair1: u32) -> vec4<f32> {
	let at = min(r, params.rank - 1u) * ((params.channels + 1u) / 2u);
	return vec4<f32>(weight_pair(at + pair0), weight_pair(at + pair1));
}

// input is element r of a row, zero past rank.
fn input(row: u32, r: u32) -> f32 {
	return select(0.0, x[row * params.stride + params.offset + min(r, params.rank - 1u)], r < params.rank);
}

fn store_delta(row: u32, pair: u32, sum: vec2<f32>) {
	let e = pair * 2u;
	if (row >= params.rows || e >= params.channels) {
		return;
	}
	let last = params.channels - 1u;
	let d = vec2<f32>(softplus(sum.x + bias[e]), softplus(sum.y + bias[min(e + 1u, last)]));
{{- if .Even}}
	delta[(row * params.channels + e) / 2u] = d;
{{- else}}
	delta[row * params.channels + e] = d.x;
	if (e < last) { delta[row * params.channels + e + 1u] = d.y; }
{{- end}}
}

var<workgroup> inputs: array<array<vec4<f32>, 8>, {{.Tile}}>;

@compute @workgroup_size({{.Invocations}})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let pairs = (params.channels + 1u) / 2u;
	let first_pair = wg.x * 64u + t % 32u;
	let pair0 = min(first_pair, pairs - 1u);
	let pair1 = min(first_pair + 32u, pairs - 1u);
	let first_row = wg.y * {{.Tile}}u;
	let own = t / 32u * {{.Rows}}u;
{{- range $i := seq .Rows}}
	var s{{$i}} = vec4<f32>(0.0);
{{- end}}
	// v is the weights of four inputs, loaded while those before are computed with.
{{- range $k := seq 4}}
	var v{{$k}} = weights({{$k}}u, pair0, pair1);
{{- end}}
	for (var r0 = 0u; r0 < params.rank; r0 += 32u) {
		workgroupBarrier();
		for (var i = t; i < {{mul .Tile 8}}u; i += {{.Invocations}}u) {
			let row = min(first_row + i / 8u, params.rows - 1u);
			let r = r0 + i % 8u * 4u;
			inputs[i / 8u][i % 8u] = vec4<f32>(input(row, r), input(row, r + 1u), input(row, r + 2u), input(row, r + 3u));
		}
		workgroupBarrier();
		let quads = min(8u, (params.rank - r0 + 3u) / 4u);
		for (var q = 0u; q < quads; q++) {
{{- range $k := seq 4}}
			let w{{$k}} = v{{$k}};
{{- end}}
			let next = r0 + q * 4u + 4u;
{{- range $k := seq 4}}
			v{{$k}} = weights(next + {{$k}}u, pair0, pair1);
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
	store_delta(first_row + own + {{$i}}u, first_pair, s{{$i}}.xy);
	store_delta(first_row + own + {{$i}}u, first_pair + 32u, s{{$i}}.zw);
{{- end}}
}
