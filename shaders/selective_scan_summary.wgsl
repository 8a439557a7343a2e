// selective_scan_summary: what each chunk of a sequence but the last does to the
// state of the selective scan (arXiv 2312.00752, eq. 2): as the recurrence is
// linear in the state, a chunk is told by the state that it makes of zero and
// by its total decay, exp(A sum of d_t).
//
//   d_t = softplus(delta_t + bias)
//   h_t = exp(d_t A) . h_{t-1} + (d_t u_t) B_t       from zero, in the first chunk from state
//   summary = h at the chunk's end, sum of d_t       {{.States}} + 1 numbers a channel
//
// A chunk is params.chunk rows, and the last of a sequence what is left. The
// summary goes to {{add .States 1}} rows of y in every later chunk, one chunk's after the
// other's; nobody has written these rows, and selective_scan_grouped reads them before it
// writes them. The first chunk's rows get the state that it started from. So chunks need no
// array of their own, and no chunk waits for another.
//
// The walk is that of selective_scan_grouped.
//
// In      u, delta (batch, length, channels); bc: B at off_b of rows of bc_stride;
//         weights: A ({{if not .SharedA}}channels, {{end}}{{.States}}), D (channels), bias (channels);
//         slots (batch){{if .Packed}}: slot, first row, rows{{end}}; state (slots, channels, {{.States}})
// Out     y (batch, length, channels): rows of it
// Grid    (ceil(channels/{{.Channels}}), batch, chunks of the longest sequence - 1); {{.Threads}} invocations
// Memory  {{.Memory}} bytes
// Tail    a step past the end is the identity (d = 0), loaded from the last one; channels
//         past the end repeat the last one and are not written; states past {{.States}}
//         stay 0; from a sequence's last chunk on there is nothing to do
// Twin    cpu/selective_scan_summary.go
struct Params { length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, off_m: u32, chunk: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;           // (batch, length, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;       // (batch, length, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;          // (batch, length, bc_stride)
@group(0) @binding(4) var<storage, read> weights: array<f32>;     // ({{if not .SharedA}}channels, {{end}}{{.States}}), (channels), (channels)
@group(0) @binding(5) var<storage, read> slots: array<u32>;       // (batch)
@group(0) @binding(6) var<storage, read> state: array<f32>;       // (slots, channels, {{.States}})
@group(0) @binding(7) var<storage, read_write> y: array<f32>;     // (batch, length, channels)
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{template "grouped_memory" .}}

@compute @workgroup_size({{.Threads}})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
{{- template "grouped_place" .}}
	if (wg.z + 1u >= chunks) { return; }
{{- template "grouped_decays" .}}
	if (wg.z == 0u) {
		{{- template "grouped_held" .}}
		if (inside) {
			let at = (row0 + state0) * params.channels + channel;
			{{- template "grouped_leave" .}}
		}
	}
{{- if .HasBias}}
	let bias = weights[{{template "scan_bias_at" .}} + channel];
{{- end}}
	var total = 0.0;
	{{- template "grouped_first" .}}
	var k = begin;
	loop {
{{- range $s := seq .Ahead}}
		{
			{{- template "grouped_sum_tile" ($.Tile $s)}}
		}
		k += {{$.Steps}}u;
		if (k >= end) { break; }
{{- end}}
	}
	if (inside) {
		for (var later = wg.z + 1u; later < chunks; later++) {
			let row = row0 + later * params.chunk + wg.z * {{add .States 1}}u;
			let at = (row + state0) * params.channels + channel;
			{{- template "grouped_leave" .}}
			if (group == 0u) { y[(row + {{.States}}u) * params.channels + channel] = total; }
		}
	}
}
{{- /* grouped_leave: stores the states in rows of y from element at on. */}}
{{- define "grouped_leave"}}
{{- range $n := seq .PerThread}}
			{{$.IfState $n}}{ y[at + {{$n}}u * params.channels] = h{{$n}}; }
{{- end}}
{{- end}}
{{- /* grouped_sum_tile: the tile of step k, in a set, and the loads of the set's next. */}}
{{- define "grouped_sum_tile"}}
			{{- template "grouped_store" .}}
			workgroupBarrier();
			let ahead = k + {{mul .Steps .Ahead}}u;
			{{- template "grouped_load" .}}
{{- if .Looped}}
			for (var run = 0u; run < {{.Runs}}u; run++) {
				{{- template "grouped_sum_steps" ($.Run -1)}}
			}
{{- else}}
{{- range $r := seq .Runs}}
			{{- template "grouped_sum_steps" ($.Run $r)}}
{{- end}}
{{- end}}
			workgroupBarrier();
{{- end}}
{{- /* grouped_sum_steps: four steps of the states. */}}
{{- define "grouped_sum_steps"}}{{$run := .}}
				{{- template "grouped_run" .}}
				total += ({{.D}}.x + {{.D}}.y) + ({{.D}}.z + {{.D}}.w);
{{- range $i := seq 4}}{{$s := $run.Step $i}}
{{- range $q := seq $run.Quads}}
				let b{{$s}}_{{$q}} = cells[0][{{$run.Cell $i}}][group][{{$q}}];
{{- range $j := seq 4}}{{$n := add (mul $q 4) $j}}
				h{{$n}} = fma(exp2({{$run.D}}.{{comp $i}} * a{{$n}}), h{{$n}}, {{$run.DU}}.{{comp $i}} * b{{$s}}_{{$q}}.{{comp $j}});
{{- end}}
{{- end}}
{{- end}}
{{- end}}
