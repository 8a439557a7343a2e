// scan_ends: what each chunk of rows does to the states of a selective scan and to their
// gradients, the first stage of its backward pass. As both recurrences are linear, a chunk
// is told by what it makes of zero and by its total decay, exp(A sum of d_t):
//
//   h = exp(d_t A) . h + (d_t u_t) B_t               from its first row to its last
//   g = sum_t exp((d_begin + ... + d_t) A) . e_t C_t the gradient of the state before it
//   e_t = dy_t{{if .HasZ}} silu(z_t){{end}}
//
// In      u, delta, dy (batch, length, channels); bc: B at off_b, C at off_c of rows of
//         bc_stride{{if .HasZ}}; z at off_z of rows of z_stride{{end}}; weights: A ({{if not .SharedA}}channels, {{end}}states),
//         D (channels), bias (channels)
// Out     scratch: states and grads (chunks, batch, {{.Block}}, channels), sums (chunks, batch, channels)
// Grid    (ceil(channels/64), batch, chunks); 64 invocations
// Memory  {{mul 32 .KindCells}} bytes
{{- if .Halves}}
// Halves  u, z: two steps in a word
{{- end}}
// Tail    a step past the end is the identity (d = 0); channels past the end repeat the
//         last one and are not written
// Twin    cpu/scan_ends.go
struct Params { batch: u32, length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, first_state: u32, chunk: u32, grads: u32, sums: u32, rows: u32, decays: u32, rest: u32, totals: u32, states: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<{{template "scan_word" .}}>;             // (batch, length, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;         // (batch, length, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;            // (batch, length, bc_stride)
@group(0) @binding(4) var<storage, read> weights: array<f32>;       // ({{if not .SharedA}}channels, {{end}}states), (channels), (channels)
@group(0) @binding(5) var<storage, read> dy: array<f32>;            // (batch, length, channels)
@group(0) @binding(6) var<storage, read_write> scratch: array<f32>; // ScanBlockParams
{{- if .HasZ}}
@group(0) @binding(7) var<storage, read> z: array<{{template "scan_word" .}}>;             // (batch, length, z_stride)
{{- end}}
{{template "scan_block_memory" .}}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	{{- template "scan_block_place" .}}
	{{- template "scan_block_decays" .}}
	{{- template "scan_block_weights" .}}
	var h: array<vec4<f32>, {{.Quads}}>;
	var g: array<vec4<f32>, {{.Quads}}>;
	var decay: array<vec4<f32>, {{.Quads}}>; // of the rows so far
{{- range $q := seq .Quads}}
	h[{{$q}}] = vec4<f32>(0.0);
	g[{{$q}}] = vec4<f32>(0.0);
	decay[{{$q}}] = vec4<f32>(1.0);
{{- end}}
	var sum = 0.0;
	for (var first = begin; first <= last; first += 8u) {
		{{- template "scan_block_load" (.Kinds 2)}}
		{{- template "scan_block_cells" (.Kinds 2)}}
		{{- template "scan_block_steps" .}}
{{- range $s := seq 8}}
		let e{{$s}} = select(0.0, y{{$s}}{{if $.HasZ}} * silu(z{{$s}}){{end}}, is{{$s}});
{{- end}}
		sum += ((d0 + d1) + (d2 + d3)) + ((d4 + d5) + (d6 + d7));
		for (var q = 0u; q < {{.Quads}}u; q++) {
{{- range $s := seq 8}}
			let f{{$s}} = exp2(d{{$s}} * a[q]);
			h[q] = fma(f{{$s}}, h[q], du{{$s}} * {{$.B $s}});
			decay[q] *= f{{$s}};
			g[q] = fma(decay[q], e{{$s}} * {{$.C $s}}, g[q]);
{{- end}}
		}
	}
	if (inside) {
{{- range $q := seq .Quads}}
{{- range $i := seq 4}}
{{- if $.Has $q $i}}
		scratch[held + {{add (mul $q 4) $i}}u * params.channels] = h[{{$q}}].{{comp $i}};
		scratch[params.grads + held + {{add (mul $q 4) $i}}u * params.channels] = g[{{$q}}].{{comp $i}};
{{- end}}
{{- end}}
{{- end}}
		scratch[params.sums + place * params.channels + channel] = sum;
	}
}
