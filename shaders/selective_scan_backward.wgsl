// selective_scan_backward: the gradients of a selective scan (arXiv 2312.00752, alg. 2),
// given the states before each chunk of rows and the gradients of those after it, which
// scan_ends and scan_join have left. With e_t = dy_t{{if .HasZ}} silu(z_t){{end}}:
//
//   g_t  = e_t C_t + exp(d_{t+1} A) . g_{t+1}            gradient of h_t
//   dC_t = sum over channels of e_t h_t
//   dB_t = sum over channels of g_t d_t u_t
//   du_t = d_t sum_n g_t B_t{{if .HasD}} + D e_t{{end}}
//   dd_t = u_t sum_n g_t B_t + sum_n g_t A exp(d_t A) h_{t-1}{{if .Softplus}}, times sigmoid(delta_t{{if .HasBias}} + bias{{end}}) that of delta{{end}}
//   dA   = sum over rows of g_t d_t exp(d_t A) h_{t-1}
{{- if .HasD}}
//   dD   = sum over rows of e_t u_t
{{- end}}
{{- if .HasBias}}
//   dbias = sum over rows of delta's gradient
{{- end}}
{{- if .HasZ}}
//   dz_t = dy_t silu'(z_t) (sum_n h_t C_t{{if .HasD}} + D u_t{{end}})
{{- end}}
//
// A workgroup has 64 channels, an invocation one of them with all {{.States}} states, and a chunk of
// rows. It walks forwards for the states before each tile of 8 steps, which it keeps, then
// backwards: of a tile, and of four states at a time, it computes the states and decays once
// more and then their gradients. Sums over the channels go through workgroup memory: 8
// invocations share a step, each sums 8 channels; then each sums these eight sums of one
// step and state and writes it. Nothing depends on the order in which workgroups run.
{{- if not .LastBlock}}
//
// This is not the last block of states: the sums over states are left in scratch.
{{- end}}
//
// In      u (batch, length, channels); bc: B at off_b, C at off_c of rows of bc_stride{{if .HasZ}}; z at
//         off_z of rows of z_stride{{end}}; weights: A ({{if not .SharedA}}channels, {{end}}states), D (channels), bias (channels);
//         scratch: states, grads (chunks, batch, {{.Block}}, channels)
// Out     delta and dy (batch, length, channels), replaced by the gradients of delta and u{{if .HasZ}}; dz
//         at off_z of rows of z_stride{{end}}; scratch: rows (groups, batch length, 2, {{.Block}}), decays
//         (chunks batch, {{if .SharedA}}groups{{else}}channels{{end}}, states), rest (chunks batch, channels) twice
// Grid    (ceil(channels/64), batch, chunks); 64 invocations
// Memory  {{add 8192 2048 (mul 32 .KindCells)}} bytes
{{- if .Halves}}
// Halves  u, z: two steps in a word
{{- end}}
// Tail    a step past the end is the identity (d = 0) and adds nothing (e = u = 0), as do
//         channels past the end; neither is written
// Twin    cpu/selective_scan_backward.go
struct Params { batch: u32, length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, first_state: u32, chunk: u32, grads: u32, sums: u32, rows: u32, decays: u32, rest: u32, totals: u32, states: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<{{template "scan_word" .}}>;             // (batch, length, channels)
@group(0) @binding(2) var<storage, read> bc: array<f32>;            // (batch, length, bc_stride)
@group(0) @binding(3) var<storage, read> weights: array<f32>;       // ({{if not .SharedA}}channels, {{end}}states), (channels), (channels)
@group(0) @binding(4) var<storage, read_write> delta: array<f32>;   // (batch, length, channels)
@group(0) @binding(5) var<storage, read_write> dy: array<f32>;      // (batch, length, channels)
@group(0) @binding(6) var<storage, read_write> scratch: array<f32>; // ScanBlockParams
{{- if .HasZ}}
@group(0) @binding(7) var<storage, read> z: array<{{template "scan_word" .}}>;             // (batch, length, z_stride)
@group(0) @binding(8) var<storage, read_write> dz: array<f32>;      // (batch, length, z_stride)
{{- end}}
{{template "scan_block_memory" .}}

var<workgroup> terms: array<vec4<f32>, 512>;  // of the channels' sums: [step][channel]
var<workgroup> slices: array<vec4<f32>, 128>; // their sums over 8 channels: [B, C][slice][step]

// sum_slice sums the terms of step t%8 over the 8 channels from t/8*8 on, which
// neighbours start at different ones of, so that they meet different banks.
fn sum_slice(t: u32, kind: u32) {
	let step = t % 8u;
	let at = step * 64u + t / 8u * 8u;
	slices[min(kind * 64u + t, 127u)] = {{range $i := seq 8}}{{if $i}}
		+ {{end}}terms[min(at + ((step + {{$i}}u) & 7u), 511u)]{{end}};
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	{{- template "scan_block_place" .}}
	{{- template "scan_block_decays" .}}
	{{- template "scan_block_weights" .}}
	let tiles = (last - begin) / 8u + 1u;
	var starts: array<vec4<f32>, {{mul .Tiles .Quads}}>; // the states before each tile
	var h: array<vec4<f32>, {{.Quads}}>;
	var g: array<vec4<f32>, {{.Quads}}>;
	var da: array<vec4<f32>, {{.Quads}}>;
{{- range $q := seq .Quads}}
	h[{{$q}}] = vec4<f32>({{range $i := seq 4}}{{if $i}}, {{end}}{{if $.Has $q $i}}scratch[held + {{add (mul $q 4) $i}}u * params.channels]{{else}}0.0{{end}}{{end}});
	g[{{$q}}] = vec4<f32>({{range $i := seq 4}}{{if $i}}, {{end}}{{if $.Has $q $i}}scratch[params.grads + held + {{add (mul $q 4) $i}}u * params.channels]{{else}}0.0{{end}}{{end}});
	da[{{$q}}] = vec4<f32>(0.0);
{{- end}}
	for (var tile = 0u; tile + 1u < tiles; tile++) {
		let first = begin + tile * 8u;
		{{- template "scan_block_load" (.Kinds 1)}}
		{{- template "scan_block_cells" (.Kinds 1)}}
		{{- template "scan_block_steps" .}}
		for (var q = 0u; q < {{.Quads}}u; q++) {
			starts[tile * {{.Quads}}u + q] = h[q];
{{- range $s := seq 8}}
			h[q] = fma(exp2(d{{$s}} * a[q]), h[q], du{{$s}} * {{$.B $s}});
{{- end}}
		}
	}
{{- range $q := seq .Quads}}
	starts[(tiles - 1u) * {{$.Quads}}u + {{$q}}u] = h[{{$q}}];
{{- end}}
{{- if .LastBlock}}
	var dskip = 0.0;
	var dbias = 0.0;
{{- end}}
	// What the invocation writes of the sums over channels: kind, step and state.
	let kind = t / 32u;
	let step = t % 32u / 4u;
	let component = t % 4u;
	let rows = params.rows + wg.x * params.batch * params.length * {{mul 2 .Block}}u + kind * {{.Block}}u + component;
	for (var back = 1u; back <= tiles; back++) {
		let tile = tiles - back;
		let first = begin + tile * 8u;
		{{- template "scan_block_load" (.Kinds 2)}}
		{{- template "scan_block_cells" (.Kinds 2)}}
		{{- template "scan_block_steps" .}}
		{{- template "backward_gates" .}}
{{- range $s := seq 8}}
{{- if $.HasZ}}
		var out{{$s}} = 0.0; // sum of h C
{{- end}}
		var gb{{$s}} = 0.0;  // of g B
		var gah{{$s}} = 0.0; // of g A log2(e) exp(d A) h
{{- end}}
		for (var q = 0u; q < {{.Quads}}u; q++) {
			{{- template "backward_quad" .}}
		}
		{{- template "backward_finish" .}}
	}
	{{- template "backward_sums" .}}
}
{{- /* backward_quad: the tile of four states, there and back. */}}
{{- define "backward_quad"}}
			let decay = a[q];
			var state = starts[tile * {{.Quads}}u + q];
{{- range $s := seq 8}}
			let f{{$s}} = exp2(d{{$s}} * decay);
			let fh{{$s}} = f{{$s}} * state;
			state = fma(vec4<f32>(du{{$s}}), {{$.B $s}}, fh{{$s}});
{{- if $.HasZ}}
			out{{$s}} += dot(state, {{$.C $s}});
{{- end}}
			terms[{{mul $s 64}}u + t] = e{{$s}} * state;
{{- end}}
			workgroupBarrier();
			sum_slice(t, 1u);
			workgroupBarrier();
			var grad = g[q];
			var decays = da[q];
{{- range $i := seq 8}}{{$s := sub 7 $i}}
			grad = fma(vec4<f32>(e{{$s}}), {{$.C $s}}, grad);
			terms[{{mul $s 64}}u + t] = grad * du{{$s}};
			gb{{$s}} += dot(grad, {{$.B $s}});
			let w{{$s}} = grad * fh{{$s}};
			gah{{$s}} += dot(w{{$s}}, decay);
			decays = fma(vec4<f32>(d{{$s}}), w{{$s}}, decays);
			grad *= f{{$s}};
{{- end}}
			g[q] = grad;
			da[q] = decays;
			workgroupBarrier();
			sum_slice(t, 0u);
			workgroupBarrier();
			if (first + step <= last{{if .Padded}} && 4u * q + component < {{.States}}u{{end}}) {
				let at = kind * 64u + step;
				scratch[rows + (row0 + first + step) * {{mul 2 .Block}}u + 4u * q] = {{range $i := seq 8}}{{if $i}}
					+ {{end}}slices[min(at + {{mul $i 8}}u, 127u)][component]{{end}};
			}
{{- end}}
{{- /* backward_gates: e, the gradient of y before the gate, and what the gradients of z and
of delta will be times. */}}
{{- define "backward_gates"}}
{{- range $s := seq 8}}
{{- if $.HasZ}}
		let open{{$s}} = 1.0 / (1.0 + exp(-z{{$s}}));
		let e{{$s}} = select(0.0, y{{$s}} * z{{$s}} * open{{$s}}, is{{$s}});
{{- if $.LastBlock}}
		let gate{{$s}} = y{{$s}} * open{{$s}} * fma(z{{$s}}, 1.0 - open{{$s}}, 1.0); // dy silu'(z)
{{- end}}
{{- else}}
		let e{{$s}} = select(0.0, y{{$s}}, is{{$s}});
{{- end}}
{{- if and $.LastBlock $.Softplus}}
		let slope{{$s}} = 1.0 / (1.0 + exp(-x{{$s}})); // of softplus
{{- end}}
{{- end}}
{{- end}}
{{- /* backward_finish: the tile's gradients that are sums over the states. */}}
{{- define "backward_finish"}}
{{- range $s := seq 8}}
		if (is{{$s}}) {
			let row = row0 + first + {{$s}}u;
			let at = row * params.channels + channel;
{{- if not (and $.FirstBlock $.LastBlock)}}
			let total = params.totals + at;
			let all = params.batch * params.length * params.channels;
{{- end}}
{{- if not $.FirstBlock}}
			gb{{$s}} += scratch[total];
			gah{{$s}} += scratch[total + all];
{{- if $.HasZ}}
			out{{$s}} += scratch[total + 2u * all];
{{- end}}
{{- end}}
{{- if not $.LastBlock}}
			scratch[total] = gb{{$s}};
			scratch[total + all] = gah{{$s}};
{{- if $.HasZ}}
			scratch[total + 2u * all] = out{{$s}};
{{- end}}
{{- else}}
			let dd = fma(u{{$s}}, gb{{$s}}, gah{{$s}} * 0.6931471806){{if $.Softplus}} * slope{{$s}}{{end}};
			dbias += dd;
			delta[at] = dd;
{{- if $.HasZ}}
			dz[row * params.z_stride + params.off_z + channel] = gate{{$s}} * {{if $.HasD}}fma(skip, u{{$s}}, out{{$s}}){{else}}out{{$s}}{{end}};
{{- end}}
{{- if $.HasD}}
			dskip = fma(e{{$s}}, u{{$s}}, dskip);
{{- end}}
			dy[at] = {{if $.HasD}}fma(d{{$s}}, gb{{$s}}, skip * e{{$s}}){{else}}d{{$s}} * gb{{$s}}{{end}};
{{- end}}
		}
{{- end}}
{{- end}}
{{- /* backward_sums: the chunk's parts of the gradients of the weights. */}}
{{- define "backward_sums"}}
{{- if .SharedA}}
{{- range $q := seq .Quads}}
	terms[t] = da[{{$q}}];
	workgroupBarrier();
	if (t < {{if $.Has $q 3}}4u{{else}}{{sub $.States (mul 4 $q)}}u{{end}}) {
		var sum = 0.0;
		for (var i = 0u; i < 64u; i++) {
			sum += terms[i][t];
		}
		scratch[params.decays + (place * ((params.channels + 63u) / 64u) + wg.x) * params.states + params.first_state + {{mul 4 $q}}u + t] = sum;
	}
	workgroupBarrier();
{{- end}}
{{- end}}
	if (inside) {
{{- if not .SharedA}}
		let decays = params.decays + (place * params.channels + channel) * params.states + params.first_state;
{{- range $q := seq .Quads}}
{{- range $i := seq 4}}
{{- if $.Has $q $i}}
		scratch[decays + {{add (mul $q 4) $i}}u] = da[{{$q}}].{{comp $i}};
{{- end}}
{{- end}}
{{- end}}
{{- end}}
{{- if .LastBlock}}
{{- if .HasD}}
		scratch[params.rest + place * {{if .HasBias}}2u * {{end}}params.channels + channel] = dskip;
{{- end}}
{{- if .HasBias}}
		scratch[params.rest + place * {{if .HasD}}2u * {{end}}params.channels{{if .HasD}} + params.channels{{end}} + channel] = dbias;
{{- end}}
{{- end}}
	}
{{- end}}
