{{/* What selective_scan_grouped and selective_scan_summary share. A workgroup is
.Channels channels x .Groups groups of .PerThread states: invocation t has column
t % .Channels and group t / .Channels, so that neighbours differ in the channel and
read the same B and C. It also loads, for its channel, the runs of four steps whose
number is its group, its group + .Groups and so on. Tiles are loaded .Ahead tiles
before they are computed; each of these has registers of its own, a set.

grouped_memory: the tile that is computed. */}}
{{define "grouped_memory"}}
// d and du are d and d u of [run of four steps][column]; cells is four states of
// B{{if ge .Kinds 2}}, C{{end}}{{if ge .Kinds 3}} and m{{end}}: [kind][step][group][quad].
{{- if gt .Groups 1}}
var<workgroup> d: array<array<vec4<f32>, {{.Channels}}>, {{.Runs}}>;
var<workgroup> du: array<array<vec4<f32>, {{.Channels}}>, {{.Runs}}>;
{{- end}}
var<workgroup> cells: array<array<array<array<vec4<f32>, {{.Quads}}>, {{.Groups}}>, {{.Steps}}>, {{.Kinds}}>;
{{- template "sequence_memory" .}}
{{- if .Padded}}

fn cell(at: u32, n: u32) -> f32 {
	if (n < {{.States}}u) { return bc[at]; }
	return 0.0;
}
{{- end}}
{{- end}}
{{/* grouped_place: the invocation's place: column, group, channel and whether there
is such a channel; slot, row0 and length of the sequence; the steps begin to end - 1
of the workgroup's chunk; the first of its states and where it is held. */}}
{{define "grouped_place"}}
	{{- template "sequence" .}}
	let column = t % {{.Channels}}u;
	let group = t / {{.Channels}}u;
	let channel = min(wg.x * {{.Channels}}u + column, params.channels - 1u);
	let inside = wg.x * {{.Channels}}u + column < params.channels;
{{- if .Split}}
	let chunks = max(length / params.chunk, 1u);
	let begin = wg.z * params.chunk;
	let end = select(begin + params.chunk, length, wg.z + 1u == chunks);
{{- else}}
	let begin = 0u;
	let end = length;
{{- end}}
	let last = end - 1u;
	let state0 = group * {{.PerThread}}u;
	let held = (slot * params.channels + channel) * {{.States}}u + state0;
{{- end}}
{{/* grouped_decays: the states, zero, and A log2(e) of each: exp(d A) is computed as
exp2(d A log2(e)). */}}
{{define "grouped_decays"}}
{{- range $n := seq .PerThread}}
	var h{{$n}} = 0.0;
	var a{{$n}} = 0.0;
	{{$.IfState $n}}{ a{{$n}} = weights[{{if not $.SharedA}}channel * {{$.States}}u + {{end}}state0 + {{$n}}u] * 1.442695041; }
{{- end}}
{{- end}}
{{/* grouped_held: the states from the sequence's slot. */}}
{{define "grouped_held"}}
{{- if not .Fresh}}
{{- range $n := seq .PerThread}}
	{{$.IfState $n}}{ h{{$n}} = state[held + {{$n}}u]; }
{{- end}}
{{- end}}
{{- end}}
{{/* grouped_first: the sets' registers, and the loads of the first tiles. */}}
{{define "grouped_first"}}
{{- range $i := seq (mul .Owned .Ahead)}}
	var next_u{{$i}} = vec4<f32>(0.0);
	var next_d{{$i}} = vec4<f32>(0.0);
{{- if $.HasZ}}
	var next_z{{$i}} = vec4<f32>(0.0);
{{- end}}
{{- end}}
{{- range $i := seq (mul .CellLoads .Ahead)}}
	var next_cell{{$i}} = vec4<f32>(0.0);
{{- end}}
{{- range $s := seq .Ahead}}
	{
		let ahead = begin + {{mul $s $.Steps}}u;
		{{- template "grouped_load" ($.Tile $s)}}
	}
{{- end}}
{{- end}}
{{/* grouped_load: loads the tile that starts at step ahead into a set. Steps past the
end are loaded from the last one. */}}
{{define "grouped_load"}}
{{- range $i := seq .Owned}}
		{{$.IfOwned $i}}{
			let first = ahead + (group + {{mul $i $.Groups}}u) * 4u;
{{- range $j := seq 4}}
			let r{{$j}} = row0 + min(first + {{$j}}u, last);
			let e{{$j}} = r{{$j}} * params.channels + channel;
{{- end}}
			next_u{{$.OwnedAt $i}} = vec4<f32>(u[e0], u[e1], u[e2], u[e3]);
			next_d{{$.OwnedAt $i}} = vec4<f32>(delta[e0], delta[e1], delta[e2], delta[e3]);
{{- if $.HasZ}}
			let at = params.off_z + channel;
			next_z{{$.OwnedAt $i}} = vec4<f32>(z[r0 * params.z_stride + at], z[r1 * params.z_stride + at], z[r2 * params.z_stride + at], z[r3 * params.z_stride + at]);
{{- end}}
		}
{{- end}}
{{- range $i := seq .CellLoads}}
		{{$.IfCell $i}}{
			let i = t + {{mul $i $.Threads}}u;
			let step = ahead + i % {{$.KindCells}}u / {{$.StepCells}}u;
			let n = i % {{$.StepCells}}u * 4u;
			let at = (row0 + min(step, last)) * params.bc_stride + n + {{template "grouped_offset" $}};
			next_cell{{$.CellAt $i}} = vec4<f32>({{range $j := seq 4}}{{if $j}}, {{end}}{{if $.Padded}}cell(at + {{$j}}u, n + {{$j}}u){{else}}bc[at + {{$j}}u]{{end}}{{end}});
{{- if ge $.Kinds 3}}
			if (i >= {{mul 2 $.KindCells}}u && step > last) { next_cell{{$.CellAt $i}} = vec4<f32>(1.0); }
{{- end}}
		}
{{- end}}
{{- end}}
{{/* grouped_offset: where B, C or m lies in a row, by the kind of cell i. */}}
{{define "grouped_offset"}}
{{- if eq .Kinds 1}}params.off_b
{{- else if eq .Kinds 2}}select(params.off_c, params.off_b, i < {{.KindCells}}u)
{{- else}}select(select(params.off_m, params.off_c, i < {{mul 2 .KindCells}}u), params.off_b, i < {{.KindCells}}u)
{{- end}}
{{- end}}
{{/* grouped_store: stores a set as the tile of step k. Steps past the end are the
identity, d = 0. */}}
{{define "grouped_store"}}
{{- range $i := seq .Owned}}
{{- if eq $.Groups 1}}
			var d{{$i}} = vec4<f32>(0.0);
			var du{{$i}} = vec4<f32>(0.0);
{{- end}}
			{{$.IfOwned $i}}{
				let x = next_d{{$.OwnedAt $i}}{{if $.HasBias}} + vec4<f32>(bias){{end}};
				let first = k + (group + {{mul $i $.Groups}}u) * 4u;
				let steps = vec4<f32>(
{{- range $j := seq 4}}{{if $j}}, {{end}}select(0.0, {{if $.Softplus}}softplus(x.{{comp $j}}){{else}}x.{{comp $j}}{{end}}, first + {{$j}}u <= last){{end}});
{{- if gt $.Groups 1}}
				d[group + {{mul $i $.Groups}}u][column] = steps;
				du[group + {{mul $i $.Groups}}u][column] = steps * next_u{{$.OwnedAt $i}};
{{- else}}
				d{{$i}} = steps;
				du{{$i}} = steps * next_u{{$.OwnedAt $i}};
{{- end}}
			}
{{- end}}
{{- range $i := seq .CellLoads}}
			{{$.IfCell $i}}{
				let i = t + {{mul $i $.Threads}}u;
				let quad = i % {{$.StepCells}}u;
				cells[i / {{$.KindCells}}u][i % {{$.KindCells}}u / {{$.StepCells}}u][quad / {{$.Quads}}u][quad % {{$.Quads}}u] = next_cell{{$.CellAt $i}};
			}
{{- end}}
{{- end}}
{{/* grouped_run: d and d u of a run of four steps, from workgroup memory unless the
channel has one invocation only. */}}
{{define "grouped_run"}}
{{- if gt .Groups 1}}
				let {{.D}} = d[{{.Number}}][column];
				let {{.DU}} = du[{{.Number}}][column];
{{- end}}
{{- end}}
