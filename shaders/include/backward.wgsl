{{/* What the scans' backward kernels have in common. A workgroup is
{{.Channels}} channels x {{.Lanes}} lanes, and a tile has as many steps as there are lanes.

back_memory   workgroup memory: along[component][state of the round][channel][lane]
              is what a round gives for sums over channels, four components a state;
              level is these sums' first level, parts of so many channels; across[3]
              [channel][lane] is what a step gives for sums over states. */}}
{{define "back_memory" -}}
var<workgroup> along: array<f32, {{mul .Together 1024}}>;
var<workgroup> level: array<f32, 256>;
var<workgroup> across: array<f32, 768>;
{{- end}}
{{/* back_places: where an invocation stands, as a computing lane and as the owner of
a step of a tile and a channel; where its states lie in scratch. */}}
{{define "back_places" -}}
	let length = params.length;
	let last = length - 1u;
	let row0 = wg.y * length;
	let lane = t % {{.Lanes}}u;
	let c = t / {{.Lanes}}u;
	let owned = t % {{.Channels}}u;
	let turned = t / {{.Channels}}u;
	let starts = params.off_walk + (wg.y * grid.x + wg.x) * (params.chunks + params.steps) * {{.Walk}}u + 2u * t;
	let taped = starts + params.chunks * {{.Walk}}u;
	let sums = params.off_sums + (wg.x * grid.y + wg.y) * length * {{.Columns}}u;

	// The sum over channels that this invocation has to finish, and whether it is
	// added to what other channels of the workgroup left there.
	var pending = 0xffffffffu;
	var adds = false;
{{- end}}
{{/* back_put: the four components of a state of the round. */}}
{{define "back_put" -}}
{{$i := mod .At .Together -}}
					along[t + {{mul $i 256}}u] = p{{.At}}.x;
					along[t + {{mul (add .Together $i) 256}}u] = p{{.At}}.y;
					along[t + {{mul (add .Together .Together $i) 256}}u] = p{{.At}}.z;
					along[t + {{mul (add .Together .Together .Together $i) 256}}u] = p{{.At}}.w;
{{- end}}
{{/* back_level: the first level of a round's sums. Output o = t % {{.Outputs}} is a component
of a state of the round and a lane; part t / {{.Outputs}} sums so many channels of it. */}}
{{define "back_level" -}}
						let o = t % {{.Outputs}}u;
						let p = o / {{.Lanes}}u * 256u + t / {{.Outputs}}u * {{mul .Terms .Lanes}}u + o % {{.Lanes}}u;
						var part = 0.0;
						for (var n = 0u; n < {{.Terms}}u; n++) {
							part += along[p + n * {{.Lanes}}u];
						}
						level[t] = part;
						let state = o / {{.Lanes}}u % {{.Together}}u * {{.Lanes}}u + o % {{.Lanes}}u + {{.State (mul .At .Together)}}u;
						let component = o / {{mul .Lanes .Together}}u;
						pending = select(0xffffffffu, sums + (first + i) * {{.Columns}}u + {{if .Cells}}state * 4u + component{{else}}component / 2u * {{mul .States 2}}u + state * 2u + component % 2u{{end}},
							t < {{.Outputs}}u && state < {{.States}}u && first + i <= last);
						adds = group > wg.x;
{{- end}}
{{/* back_flush: the second level of the round before, which leaves the sum. */}}
{{define "back_flush" -}}
					if (pending != 0xffffffffu) {
						var sum = level[t];
						for (var n = 1u; n < {{.Parts}}u; n++) {
							sum += level[t + n * {{.Outputs}}u];
						}
						if (adds) {
							sum += scratch[pending];
						}
						scratch[pending] = sum;
					}
{{- end}}
{{/* back_lanes: as sum those of across over the lanes of the owned channel. */}}
{{define "back_lanes" -}}
						var sum = vec3<f32>(0.0);
						for (var n = owned * {{.Lanes}}u; n < (owned + 1u) * {{.Lanes}}u; n++) {
							sum += vec3<f32>(across[n], across[n + 256u], across[n + 512u]);
						}
{{- end}}
{{/* back_walk: walks the group's channels there, keeping h before each chunk, and back:
from the last chunk to the first, each there once more, keeping h before its steps, and then
back by tiles. */}}
{{define "back_walk"}}

		// There, but for the last chunk.
		for (var k = 0u; k + 1u < params.chunks; k++) {
			let at = starts + k * {{.Walk}}u;
{{- range $j := seq .PerLane}}
			scratch[at + {{mul $j 512}}u] = h{{$j}}.x;
			scratch[at + {{mul $j 512}}u + 1u] = h{{$j}}.y;
{{- end}}
			{{- template "back_there" .}}
		}

		// And back.
		for (var back = 0u; back < params.chunks; back++) {
			let k = params.chunks - 1u - back;
			if (back > 0u) {
				let at = starts + k * {{.Walk}}u;
{{- range $j := seq .PerLane}}
				h{{$j}} = vec2<f32>(scratch[at + {{mul $j 512}}u], scratch[at + {{mul $j 512}}u + 1u]);
{{- end}}
			}
			{{- template "back_there" .Taped}}
			let tiles = (min(params.steps, length - k * params.steps) + {{sub .Lanes 1}}u) / {{.Lanes}}u;
			for (var tile = tiles; tile > 0u; tile--) {
				let first = k * params.steps + (tile - 1u) * {{.Lanes}}u;
				{{- template "back_tile" .}}
			}
		}
{{- end}}
{{/* back_there, back_tile: the scan's own walks, over chunk k there and over the tile from
step first on back. */}}
{{define "back_there"}}{{if .Cells}}{{template "modulated_there" .}}{{else}}{{template "complex_there" .}}{{end}}{{end}}
{{define "back_tile"}}{{if .Cells}}{{template "modulated_back" .}}{{else}}{{template "complex_back" .}}{{end}}{{end}}
