{{/* What the scans' backward kernels have in common. A workgroup is
{{.Channels}} channels x {{.Lanes}} lanes, and a tile has as many steps as there are lanes.

back_memory   workgroup memory: along[component][state of the round][channel][lane]
              is what a round gives for sums over channels, four components a state;
              level is these sums' first level, parts of so many channels; across[3]
              [channel][lane] is what a step gives for sums over states. Rows of 256 words are turned, so
              that neighbouring invocations meet different banks: row r of along by r
              times {{.Lanes}}, a channel's lanes in across by a word for each 32. */}}
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
	let crossed = c * {{.Lanes}}u + (lane + t / 32u) % {{.Lanes}}u; // in a row of across
	let sums = params.off_sums + (wg.x * grid.y + wg.y) * length * {{.Columns}}u;

	// The sum over channels that this invocation has to finish, and whether it is
	// added to what other channels of the workgroup left there.
	var pending = 0xffffffffu;
	var adds = false;
{{- end}}
{{/* back_put: the four components of a state of the round. */}}
{{define "back_put" -}}
{{- range $i := seq 4}}{{$r := add (mul $i $.Together) (mod $.At $.Together)}}
					along[{{mul $r 256}}u + (t + {{mul $r $.Lanes}}u) % 256u] = p{{$.At}}.{{comp $i}};
{{- end}}
{{- end}}
{{/* back_level: the first level of a round's sums. Output o = t % {{.Outputs}} is a component
of a state of the round and a lane; part t / {{.Outputs}} sums so many channels of it. */}}
{{define "back_level" -}}
						let o = t % {{.Outputs}}u;
						let r = o / {{.Lanes}}u; // row of along
						let p = r * {{.Lanes}}u + t / {{.Outputs}}u * {{mul .Terms .Lanes}}u + o % {{.Lanes}}u;
						var part = 0.0;
						for (var n = 0u; n < {{.Terms}}u; n++) {
							part += along[r * 256u + (p + n * {{.Lanes}}u) % 256u];
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
						for (var n = 0u; n < {{.Lanes}}u; n++) {
							let p = owned * {{.Lanes}}u + (n + owned * {{.Lanes}}u / 32u) % {{.Lanes}}u;
							sum += vec3<f32>(across[p], across[p + 256u], across[p + 512u]);
						}
{{- end}}
