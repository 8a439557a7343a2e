{{/* The parts of layers_step. Of a product of rows of weights with one vector of
activations an invocation has the same Take blocks of 16 bytes of all Each rows that it
meets, in registers (include/row_held.wgsl); here they stay there from long before the
activations are known.

layers_blocks declares block_part<j>, quad j of a block. layers_vars declares the registers of
a phase, layers_loads fills them with rows of layer `at`, layers_dots leaves the lanes' sums in
pool, which lanes_meet adds up. layers_total is what is left of the sum of row t,
layers_squares that of the squares. layers_receive waits for the activations that other
workgroups send; layers_give_up ends a wait of as many tries as there may be. */}}
{{define "layers_blocks"}}
{{- range $j := seq .Planes}}
fn block_part{{$j}}{{$.Name}}(x: vec4<u32>) -> vec4<f32> {
{{- if eq $.Weights "F32"}}
	return bitcast<vec4<f32>>(x);
{{- else if eq $.Weights "F16"}}
	return vec4<f32>(unpack2x16float(x.{{comp (mul $j 2)}}), unpack2x16float(x.{{comp (add (mul $j 2) 1)}}));
{{- else}}
	let lo = x.{{comp (mul $j 2)}};
	let hi = x.{{comp (add (mul $j 2) 1)}};
	return bitcast<vec4<f32>>(vec4<u32>(lo << 16u, lo & 0xffff0000u, hi << 16u, hi & 0xffff0000u));
{{- end}}
}
{{end}}
{{- end}}

{{define "layers_vars"}}
{{- range $i := seq .Each}}{{range $l := seq $.Take}}
	var {{$.Phase}}{{$i}}_{{$l}}: vec4<u32>;
{{end}}{{end}}
{{- end}}

{{define "layers_loads"}}
{{- range $i := seq .Each}}
		{
			let row = min({{$.First}} + part{{$.Name}} * {{$.Each}}u + {{$i}}u, {{sub $.N 1}}u) * {{$.Blocks}}u;
{{- range $l := seq $.Take}}
			{{$.Phase}}{{$i}}_{{$l}} = w{{$.Name}}[at * {{$.Vectors}}u + row + min(lane{{$.Name}} + {{mul $l $.Lanes}}u, {{sub $.Blocks 1}}u)];
{{end}}
		}
{{- end}}
{{- end}}

{{define "layers_dots"}}
		if (t < {{mul .Lanes .Sets}}u) {
{{- range $i := seq .Each}}
			{
				var s = vec4<f32>(0.0);
{{- range $l := seq $.Take}}
{{- range $j := seq $.Planes}}
				s = fma(block_part{{$j}}{{$.Name}}({{$.Phase}}{{$i}}_{{$l}}), a{{$.Name}}{{$l}}_{{$j}}, s);
{{- end}}{{end}}
				let at = (part{{$.Name}} * {{$.Each}}u + {{$i}}u) * {{$.SlotPitch}}u + lane{{$.Name}};
				pool[at / 4u][at % 4u] = (s.x + s.y) + (s.z + s.w);
			}
{{- end}}
		}
{{- end}}

{{define "layers_total"}}(totals[t]{{range $i := seq .Left}}{{if $i}} + totals[{{mul $i $.Totals}}u + t]{{end}}{{end}}){{end}}
{{define "layers_squares"}}(totals[{{.Slots}}]{{range $i := seq .Left}}{{if $i}} + totals[{{add (mul $i $.Totals) $.Slots}}]{{end}}{{end}}){{end}}

{{define "layers_receive"}}
{{- range $l := seq .Take}}{{range $j := seq $.Planes}}
		var a{{$.Name}}{{$l}}_{{$j}} = vec4<f32>(0.0);
{{- end}}{{end}}
		if (t < {{mul .Lanes .Sets}}u) {
{{- range $l := seq .Take}}
			let place{{$l}} = area + {{$.At}}u + min(lane{{$.Name}} + {{mul $l $.Lanes}}u, {{sub $.Blocks 1}}u);
{{- range $j := seq $.Planes}}
			var r{{$l}}_{{$j}}: vec4<u32>;
{{- end}}{{end}}
			for (var tries = 0u; ; tries += 1u) {
				var there = true;
{{- range $l := seq .Take}}{{range $j := seq $.Planes}}
				r{{$l}}_{{$j}} = vec4<u32>(atomicLoad(&mail[place{{$l}} + {{mul $j 4 $.Blocks}}u]), atomicLoad(&mail[place{{$l}} + {{mul (add (mul $j 4) 1) $.Blocks}}u]), atomicLoad(&mail[place{{$l}} + {{mul (add (mul $j 4) 2) $.Blocks}}u]), atomicLoad(&mail[place{{$l}} + {{mul (add (mul $j 4) 3) $.Blocks}}u]));
				there = there && all(r{{$l}}_{{$j}} != vec4<u32>(0u));
{{- end}}{{end}}
				if (there) {
					break;
				}
				{{- template "layers_give_up"}}
			}
{{- range $l := seq .Take}}{{range $j := seq $.Planes}}
			a{{$.Name}}{{$l}}_{{$j}} = {{if gt (mul (add $l 1) $.Lanes) $.Blocks}}select(vec4<f32>(0.0), bitcast<vec4<f32>>(~r{{$l}}_{{$j}}), lane{{$.Name}} < {{sub $.Blocks (mul $l $.Lanes)}}u){{else}}bitcast<vec4<f32>>(~r{{$l}}_{{$j}}){{end}};
{{- end}}{{end}}
		}
{{- end}}

{{define "layers_give_up"}}
				if (tries >= limit) {
					atomicStore(&mail[0], 1u);
					limit = 0u;
					break;
				}
{{- end}}
