{{/* What the stages of a selective scan's backward pass share: [ScanBlockParams] has the
layout of scratch. An invocation has a channel and all states of a block, .Quads groups of
four; a workgroup has 64 channels side by side, and a chunk of rows of one sequence, which
it walks in tiles of 8 steps.

scan_block_memory: B and C of a tile, [kind][step][quad]. */}}
{{define "scan_block_memory"}}
var<workgroup> cells: array<vec4<f32>, {{mul 2 .KindCells}}>; // of a tile: [B, C][step][quad]
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{- if .HasZ}}
{{template "silu"}}
{{- end}}
{{- end}}
{{/* scan_block_place: the invocation's channel and whether there is one, the rows begin to
last of the workgroup's chunk, and where the channel's first state is in scratch. */}}
{{define "scan_block_place"}}
	let channel = min(wg.x * 64u + t, params.channels - 1u);
	let inside = wg.x * 64u + t < params.channels;
	let begin = wg.z * params.chunk;
	let last = min(begin + params.chunk, params.length) - 1u;
	let row0 = wg.y * params.length;
	let place = wg.z * params.batch + wg.y; // of the chunk among all
	let held = place * {{.Block}}u * params.channels + channel;
{{- end}}
{{/* scan_block_decays: A log2(e) of each quad of states, as exp(d A) is computed as
exp2(d A log2(e)). */}}
{{define "scan_block_decays"}}
	var a: array<vec4<f32>, {{.Quads}}>;
{{- range $q := seq .Quads}}
	a[{{$q}}] = vec4<f32>({{range $i := seq 4}}{{if $i}}, {{end}}{{if $.Has $q $i}}weights[{{if not $.SharedA}}channel * params.states + {{end}}params.first_state + {{add (mul $q 4) $i}}u]{{else}}0.0{{end}}{{end}}) * 1.442695041;
{{- end}}
{{- end}}
{{/* scan_block_weights: D and bias of the channel. */}}
{{define "scan_block_weights"}}
{{- if .HasD}}
	let skip = weights[{{template "scan_block_rest_at" .}} + channel];
{{- end}}
{{- if .HasBias}}
	let bias = weights[{{template "scan_block_rest_at" .}}{{if .HasD}} + params.channels{{end}} + channel];
{{- end}}
{{- end}}
{{/* scan_block_rest_at: where D or bias starts in the weights. */}}
{{define "scan_block_rest_at"}}{{if not .SharedA}}params.channels * {{end}}params.states{{end}}
{{/* scan_block_cells: stores B, and if it is asked for C, of the tile from row first on.
Rows past the end are the last one. */}}
{{define "scan_block_cells"}}
		workgroupBarrier();
		if (t < {{mul .Count .KindCells}}u) {
			let n = t % {{.Quads}}u * 4u;
			let at = (row0 + min(first + t % {{.KindCells}}u / {{.Quads}}u, last)) * params.bc_stride + params.first_state + n
				+ {{if eq .Count 2}}select(params.off_c, params.off_b, t < {{.KindCells}}u){{else}}params.off_b{{end}};
{{- if .Padded}}
			var cell = vec4<f32>(0.0);
{{- range $i := seq 4}}
			if (n + {{$i}}u < {{$.States}}u) { cell.{{comp $i}} = bc[at + {{$i}}u]; }
{{- end}}
			cells[t] = cell;
{{- else}}
			cells[t] = vec4<f32>(bc[at], bc[at + 1u], bc[at + 2u], bc[at + 3u]);
{{- end}}
		}
		workgroupBarrier();
{{- end}}
{{/* scan_block_load: u and delta of the tile's steps, and dy and z if asked for (.Count 2):
all at once, so that none waits for another. Steps past the end are loaded from the last
one; channels past the end load nothing, as another invocation may be writing there. */}}
{{define "scan_block_load"}}
{{- range $s := seq 8}}
		var u{{$s}} = 0.0;
		var x{{$s}} = 0.0;
{{- if eq $.Count 2}}
		var y{{$s}} = 0.0;
{{- if $.HasZ}}
		var z{{$s}} = 0.0;
{{- end}}
{{- end}}
{{- end}}
		if (inside) {
{{- range $s := seq 8}}
			let r{{$s}} = row0 + min(first + {{$s}}u, last);
			let at{{$s}} = r{{$s}} * params.channels + channel;
{{- if not $.Halves}}
			u{{$s}} = u[at{{$s}}];
{{- end}}
			x{{$s}} = delta[at{{$s}}]{{if $.HasBias}} + bias{{end}};
{{- if eq $.Count 2}}
			y{{$s}} = dy[at{{$s}}];
{{- if and $.HasZ (not $.Halves)}}
			z{{$s}} = z[r{{$s}} * params.z_stride + params.off_z + channel];
{{- end}}
{{- end}}
{{- end}}
{{- if .Halves}}
{{- range $i := seq 4}}{{$s := mul 2 $i}}
			let u_pair{{$i}} = unpack2x16float(u[r{{$s}} / 2u * params.channels + channel]);
			u{{$s}} = u_pair{{$i}}.x;
			u{{add $s 1}} = u_pair{{$i}}.y;
{{- if and $.HasZ (eq $.Count 2)}}
			let z_pair{{$i}} = unpack2x16float(z[r{{$s}} / 2u * params.z_stride + params.off_z + channel]);
			z{{$s}} = z_pair{{$i}}.x;
			z{{add $s 1}} = z_pair{{$i}}.y;
{{- end}}
{{- end}}
{{- end}}
		}
{{- end}}
{{/* scan_block_steps: d of the tile's steps. Steps and channels past the end are the
identity, d = 0, and add nothing, u = 0. */}}
{{define "scan_block_steps"}}
{{- range $s := seq 8}}
		let is{{$s}} = inside && first + {{$s}}u <= last;
		let d{{$s}} = select(0.0, {{if $.Softplus}}softplus(x{{$s}}){{else}}x{{$s}}{{end}}, is{{$s}});
		let du{{$s}} = d{{$s}} * u{{$s}};
{{- end}}
{{- end}}
