// selective_scan_grouped: the selective state space recurrence (arXiv 2312.00752,
// eq. 2 with the discretisation of alg. 2), as a blocked scan.
//
//   d_t = softplus(delta_t + bias)
//   h_t = {{if ge .Kinds 3}}(m_t . exp(d_t A)){{else}}exp(d_t A){{end}} . h_{t-1} + (d_t u_t) B_t
//   y_t = (sum_n h_t C_t + D u_t) silu(z_t)
//
// A workgroup owns {{.Channels}} channels x {{.Groups}} groups of {{.PerThread}} states, which an invocation
// keeps in registers, and walks time in tiles of {{.Steps}} steps, loaded {{.Ahead}} tile(s)
// before. Invocations side by side have channels side by side: what they read
// of B and C is the same, what they read and write of the channels lies together.
// The groups' parts of y meet in workgroup memory and are summed, gated and
// written by the invocations that loaded u and z of the same channel and run of
// four steps.
{{- if .Split}}
//
// A sequence is cut into chunks of params.chunk rows, the last with what is left.
// selective_scan_summary has left in the rows of y that a chunk will write what
// the chunks before it do to the state; a chunk starts from these, one after the
// other.
{{- end}}
//
// In      u, delta (batch, length, channels); bc: B at off_b, C at off_c{{if ge .Kinds 3}}, m at off_m{{end}} of rows
//         of bc_stride; z at off_z of rows of z_stride; weights: A ({{if not .SharedA}}channels, {{end}}{{.States}}),
//         D (channels), bias (channels); slots (batch){{if .Packed}}: slot, first row, rows{{end}};
//         state (slots, channels, {{.States}})
// Out     y (batch, length, channels); state
// Grid    (ceil(channels/{{.Channels}}), batch, {{if .Split}}chunks of the longest sequence{{else}}1{{end}}); {{.Threads}} invocations
// Memory  {{.Memory}} bytes
{{- if .Halves}}
// Halves  u, z, y: two steps in a word
{{- end}}
// Tail    a step past the end is the identity (d = 0{{if ge .Kinds 3}}, m = 1{{end}}), loaded from the last one;
//         channels past the end repeat the last one; neither is written; states
//         past {{.States}} stay 0; chunks past a sequence's last do nothing
// Twin    cpu/selective_scan_grouped.go
struct Params { length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, off_m: u32, chunk: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<{{template "scan_word" .}}>;           // (batch, length, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;       // (batch, length, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;          // (batch, length, bc_stride)
@group(0) @binding(4) var<storage, read> z: array<{{template "scan_word" .}}>;           // (batch, length, z_stride)
@group(0) @binding(5) var<storage, read> weights: array<f32>;     // ({{if not .SharedA}}channels, {{end}}{{.States}}), (channels), (channels)
@group(0) @binding(6) var<storage, read> slots: array<u32>;       // (batch)
@group(0) @binding(7) var<storage, read_write> state: array<f32>; // (slots, channels, {{.States}})
@group(0) @binding(8) var<storage, read_write> y: array<{{template "scan_word" .}}>;     // (batch, length, channels)
{{- if .Halves}}
{{template "half_bits" "vec4"}}
{{- end}}
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{- if .HasZ}}
{{template "silu"}}
{{- end}}
{{template "grouped_memory" .}}
{{- if gt .Groups 1}}
var<workgroup> parts: array<array<array<vec4<f32>, {{.Channels}}>, {{.Runs}}>, {{.Groups}}>; // of y: [group][run][column]
{{- end}}

@compute @workgroup_size({{.Threads}})
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
{{- template "grouped_place" .}}
{{- if .Split}}
	if (wg.z >= chunks) { return; }
{{- end}}
{{- template "grouped_decays" .}}
{{- if .Split}}
	if (chunks == 1u) {
		{{- template "grouped_held" .}}
	} else {
		{{- template "grouped_start" .}}
	}
	storageBarrier(); // these rows of y are now read, and may be written
{{- else}}
	{{- template "grouped_held" .}}
{{- end}}
{{- if .HasBias}}
	let bias = weights[{{template "scan_bias_at" .}} + channel];
{{- end}}
{{- if .HasD}}
	let skip = weights[{{template "scan_skip_at" .}} + channel];
{{- end}}
	{{- template "grouped_first" .}}
	var k = begin;
	loop {
{{- range $s := seq .Ahead}}
		{
			{{- template "grouped_tile" ($.Tile $s)}}
		}
		k += {{$.Steps}}u;
		if (k >= end) { break; }
{{- end}}
	}
	if (inside{{if .Split}} && wg.z + 1u == chunks{{end}}) {
{{- range $n := seq .PerThread}}
		{{$.IfState $n}}{ state[held + {{$n}}u] = h{{$n}}; }
{{- end}}
	}
}
{{- /* grouped_start: the states before a chunk: what the first leaves, from there what
every other does, in the order of time. Before the first it is what was held. Four
summaries are loaded at a time. */}}
{{- define "grouped_start"}}
		let first = (row0 + begin + state0) * params.channels + channel;
{{- range $n := seq .PerThread}}
		{{$.IfState $n}}{ h{{$n}} = y[first + {{$n}}u * params.channels]; }
{{- end}}
		for (var c = 1u; c < wg.z; c += 4u) {
{{- range $i := seq 4}}
			let from{{$i}} = row0 + begin + min(c + {{$i}}u, wg.z - 1u) * {{add $.States 1}}u;
			let sum{{$i}} = y[(from{{$i}} + {{$.States}}u) * params.channels + channel];
			let at{{$i}} = (from{{$i}} + state0) * params.channels + channel;
{{- range $n := seq $.PerThread}}
			var h{{$i}}_{{$n}} = 0.0;
			{{$.IfState $n}}{ h{{$i}}_{{$n}} = y[at{{$i}} + {{$n}}u * params.channels]; }
{{- end}}
{{- end}}
{{- range $i := seq 4}}
			if (c + {{$i}}u < wg.z) {
{{- range $n := seq $.PerThread}}
				h{{$n}} = fma(exp2(sum{{$i}} * a{{$n}}), h{{$n}}, h{{$i}}_{{$n}});
{{- end}}
			}
{{- end}}
		}
{{- end}}
{{- /* grouped_tile: the tile of step k, in a set, and the loads of the set's next. */}}
{{- define "grouped_tile"}}
{{- range $i := seq .Owned}}
			let now_u{{$i}} = next_u{{$.OwnedAt $i}};
{{- if $.HasZ}}
			let now_z{{$i}} = next_z{{$.OwnedAt $i}};
{{- end}}
{{- end}}
			{{- template "grouped_store" .}}
			workgroupBarrier();
			let ahead = k + {{mul .Steps .Ahead}}u;
			{{- template "grouped_load" .}}
{{- if .Looped}}
			for (var run = 0u; run < {{.Runs}}u; run++) {
				{{- template "grouped_steps" ($.Run -1)}}
				parts[group][run][column] = vec4<f32>(y0, y1, y2, y3);
			}
{{- else}}
{{- range $r := seq .Runs}}
			{{- template "grouped_steps" ($.Run $r)}}
{{- end}}
{{- if gt .Groups 1}}
{{- range $r := seq .Runs}}
			parts[group][{{$r}}][column] = {{template "grouped_y" $r}};
{{- end}}
{{- end}}
{{- end}}
			workgroupBarrier();
			{{- template "grouped_write" .}}
{{- end}}
{{- define "grouped_y"}}{{$s := mul . 4}}vec4<f32>(y{{$s}}, y{{add $s 1}}, y{{add $s 2}}, y{{add $s 3}}){{end}}
{{- /* grouped_steps: four steps of the states, and their parts of y. */}}
{{- define "grouped_steps"}}{{$run := .}}
				{{- template "grouped_run" .}}
{{- range $i := seq 4}}{{$s := $run.Step $i}}
{{- range $q := seq $run.Quads}}
				let b{{$s}}_{{$q}} = cells[0][{{$run.Cell $i}}][group][{{$q}}];
				let c{{$s}}_{{$q}} = cells[1][{{$run.Cell $i}}][group][{{$q}}];
{{- if ge $run.Kinds 3}}
				let m{{$s}}_{{$q}} = cells[2][{{$run.Cell $i}}][group][{{$q}}];
{{- end}}
{{- range $j := seq 4}}{{$n := add (mul $q 4) $j}}
				h{{$n}} = fma({{if ge $run.Kinds 3}}m{{$s}}_{{$q}}.{{comp $j}} * {{end}}exp2({{$run.D}}.{{comp $i}} * a{{$n}}), h{{$n}}, {{$run.DU}}.{{comp $i}} * b{{$s}}_{{$q}}.{{comp $j}});
				{{if $n}}y{{$s}} = fma(h{{$n}}, c{{$s}}_{{$q}}.{{comp $j}}, y{{$s}}){{else}}var y{{$s}} = h{{$n}} * c{{$s}}_{{$q}}.{{comp $j}}{{end}};
{{- end}}
{{- end}}
{{- end}}
{{- end}}
{{- /* grouped_write: sums and writes the y of the invocation's runs. */}}
{{- define "grouped_write"}}
{{- range $i := seq .Owned}}
			{{$.IfOwned $i}}{
				let run = group + {{mul $i $.Groups}}u;
{{- if gt $.Groups 1}}
				var sum = {{range $g := seq $.Groups}}{{if $g}} + {{end}}parts[{{$g}}][run][column]{{end}};
{{- else}}
				var sum = {{template "grouped_y" $i}};
{{- end}}
{{- if $.HasD}}
				sum = fma(vec4<f32>(skip), now_u{{$i}}, sum);
{{- end}}
				let first = k + run * 4u;
{{- if $.HasZ}}
				sum *= vec4<f32>({{range $j := seq 4}}{{if $j}}, {{end}}silu(now_z{{$i}}.{{comp $j}}){{end}});
{{- end}}
{{- if $.Halves}}
				let row = row0 + first;
				if (inside) {
					{{- template "scan_write_halves" "channel"}}
				}
{{- else}}
				let at = (row0 + first) * params.channels + channel;
{{- range $j := seq 4}}
				if (inside && first + {{$j}}u <= last) { y[at + {{$j}}u * params.channels] = sum.{{comp $j}}; }
{{- end}}
{{- end}}
			}
{{- end}}
{{- end}}
