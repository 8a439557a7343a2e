{{/* What selective_scan, selective_scan_complex and modulated_scan share. A workgroup is
16 channels x 8 state lanes and walks time in tiles; tile.go has their sizes.

tile_lane: the invocation as a computing lane, with channel t/8 and states lane, lane+8 and
so on, the first of which is at held. */}}
{{define "tile_lane"}}
	let last = length - 1u;

	// As a computing lane: channel t/8, states lane, lane+8, ...
	let lane = t % 8u;
	let c = t / 8u;
	let channel = min(wg.x * 16u + c, params.channels - 1u);
	let held = (slot * params.channels + channel) * {{.States}}u + lane;
{{- end}}
{{/* tile_column: the invocation as one that loads and writes a run of four steps of a
channel. */}}
{{define "tile_column"}}

	// As one of the first {{.Units}} invocations: loads and writes run t/16 of channel
	// t%16.
	let loads = t < {{.Units}}u;
	let run = t / 16u * 4u;
	let column = min(wg.x * 16u + t % 16u, params.channels - 1u);
	let writes = loads && wg.x * 16u + t % 16u < params.channels;
{{- end}}
{{/* tile_sum: as sum the sum of the 8 lanes' parts of y of the run and channel of
invocation t. parts[run][channel][lane] is turned by the channel. */}}
{{define "tile_sum" -}}
			let p = t * 8u;
			let turned = t % 8u;
			var sum = ((parts[p + turned] + parts[p + (1u ^ turned)]) + (parts[p + (2u ^ turned)] + parts[p + (3u ^ turned)]))
				+ ((parts[p + (4u ^ turned)] + parts[p + (5u ^ turned)]) + (parts[p + (6u ^ turned)] + parts[p + (7u ^ turned)]));
{{- end}}
{{/* What selective_scan and selective_scan_complex share besides: u, delta and z go through
registers, next_u0 to next_z3 of the invocation's run, loaded a tile before they are used.

scan_next: these registers. */}}
{{define "scan_next"}}
{{- range $i := seq 4}}
	var next_u{{$i}} = 0.0;
	var next_d{{$i}} = 0.0;
	var next_z{{$i}} = 0.0;
{{- end}}
{{- end}}
{{/* scan_load: loads them, of the tile that starts at step ahead. */}}
{{define "scan_load"}}
		if (loads) {
{{- range $i := seq 4}}
			let r{{$i}} = row0 + min(ahead + run + {{$i}}u, last);
			next_u{{$i}} = u[r{{$i}} * params.channels + column];
			next_d{{$i}} = delta[r{{$i}} * params.channels + column];
{{- if $.HasZ}}
			next_z{{$i}} = z[r{{$i}} * params.z_stride + params.off_z + column];
{{- end}}
{{- end}}
		}
{{- end}}
{{/* scan_store: stores d and d u of the tile of step k, and keeps u and z for its y. */}}
{{define "scan_store"}}
		let now_u = vec4<f32>(next_u0, next_u1, next_u2, next_u3);
{{- if .HasZ}}
		let now_z = vec4<f32>(next_z0, next_z1, next_z2, next_z3);
{{- end}}
		if (loads) {
{{- range $i := seq 4}}
			let d{{$i}} = select(0.0, {{if $.Softplus}}softplus({{end}}next_d{{$i}}{{if $.HasBias}} + bias{{end}}{{if $.Softplus}}){{end}}, k + run + {{$i}}u <= last);
{{- end}}
			let steps = vec4<f32>(d0, d1, d2, d3);
			ds[buffer * {{.Units}}u + t] = steps;
			dus[buffer * {{.Units}}u + t] = steps * now_u;
		}
{{- end}}
{{/* scan_write: adds D u to the lanes' sum, gates it and writes it as y. */}}
{{define "scan_write"}}
{{- if .HasD}}
			sum = fma(vec4<f32>(skip), now_u, sum);
{{- end}}
			let first = k + run;
			let row = row0 + first;
{{- range $i := seq 4}}
			if (first + {{$i}}u <= last) { y[(row + {{$i}}u) * params.channels + column] = sum.{{comp $i}}{{if $.HasZ}} * silu(now_z.{{comp $i}}){{end}}; }
{{- end}}
{{- end}}
{{/* scan_keep: the states after the last step go back to where they were held. */}}
{{define "scan_keep"}}
	if (wg.x * 16u + c < params.channels) {
{{- range $j := seq .PerLane}}
		{{$.IfState $j}}{
			state[held + {{mul $j 8}}u] = h{{$j}};
		}
{{- end}}
	}
{{- end}}
