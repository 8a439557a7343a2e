{{/* Products of rows of weights with one or two rows of activations that stay in
registers: an invocation has the same Take blocks of 16 bytes of every row it meets, so
that of a row of weights only Lanes sums go through workgroup memory.

Lanes invocations share a row. There are Sets of them, each with Each rows of weights,
Flight of them on their way at a time, the first before anything else happens. The
activations come through workgroup memory, Chunk blocks at a time, quad j of every block
together, so that neighbours load and take neighbouring vectors; past a row's end they
are zero. Planar ones are read as they lie, and with Norm square_share(row, t) gives an
invocation's share of the squares.

row_held is row_dots (include/row_dots.wgsl), held_sum and held_rms are row_sum and
row_rms, for what follows it. */}}
{{define "row_held_loads"}}
{{- range $i := seq .Flight}}
		{
			let base = min(first_row + part * {{$.Each}}u + ahead + {{$i}}u, {{sub $.N 1}}u) * {{$.Blocks}}u;
{{- range $l := seq $.Take}}
			x{{$i}}_{{$l}} = w[base + min(lane + {{mul $l $.Lanes}}u, {{sub $.Blocks 1}}u)];
{{- if eq $.Weights "Q4"}}
			f{{$i}}_{{$l}} = block_scale(base + min(lane + {{mul $l $.Lanes}}u, {{sub $.Blocks 1}}u));
{{- end}}{{end}}
		}
{{- end}}
{{- end}}

{{define "row_held_turn"}}
{{- range $i := seq .Flight}}{{range $l := seq $.Take}}
		let w{{$i}}_{{$l}} = x{{$i}}_{{$l}};
{{- if eq $.Weights "Q4"}}
		let g{{$i}}_{{$l}} = f{{$i}}_{{$l}};
{{- end}}{{end}}{{end}}
{{- if gt .Each .Flight}}
		ahead = turn + {{.Flight}}u;
		if (ahead < {{.Each}}u) {
			{{template "row_held_loads" .}}
		}
{{- end}}
{{- if lt (mul .Lanes .Sets) .Threads}}
		if (t < {{mul .Lanes .Sets}}u) {
{{- else}}
		{
{{- end}}
{{- range $i := seq .Flight}}
			{
{{- range $m := seq $.Rows}}
				var s{{$m}} = {{if eq $.Weights "Q8"}}k{{$m}}{{else}}vec4<f32>(0.0){{end}};
{{- end}}
{{- range $l := seq $.Take}}
				{
{{- range $m := seq $.Rows}}{{if eq $.Weights "Q4"}}
					var d{{$m}} = k{{$m}}_{{$l}};
{{- end}}{{end}}
{{- range $j := seq $.Planes}}
					let v{{$j}} = block_{{if eq $.Weights "Q8" "Q4"}}offset{{else}}part{{end}}{{$j}}(w{{$i}}_{{$l}});
{{- range $m := seq $.Rows}}
{{- if eq $.Weights "Q4"}}
					d{{$m}} = fma(v{{$j}}, a{{$m}}_{{$l}}_{{$j}}, d{{$m}});
{{- else}}
					s{{$m}} = fma(v{{$j}}, a{{$m}}_{{$l}}_{{$j}}, s{{$m}});
{{- end}}{{end}}{{end}}
{{- range $m := seq $.Rows}}{{if eq $.Weights "Q4"}}
					s{{$m}} = fma(d{{$m}}, vec4<f32>(g{{$i}}_{{$l}}), s{{$m}});
{{- end}}{{end}}
				}
{{- end}}
				let slot = (part * {{$.Each}}u + turn + {{$i}}u) * {{$.Rows}}u;
{{- range $m := seq $.Rows}}
				let at{{$m}} = (slot + {{$m}}u) * {{$.SlotPitch}}u + lane;
				pool[at{{$m}} / 4u][at{{$m}} % 4u] = lane_sum(s{{$m}});
{{- end}}
			}
{{- end}}
		}
{{- end}}

{{define "row_held"}}
	let lane = t % {{.Lanes}}u;
	let part = min(t / {{.Lanes}}u, {{sub .Sets 1}}u);
{{- range $i := seq .Flight}}{{range $l := seq $.Take}}
	var x{{$i}}_{{$l}}: vec4<u32>;
{{- if eq $.Weights "Q4"}}
	var f{{$i}}_{{$l}}: f32;
{{- end}}{{end}}{{end}}
	var ahead = 0u;
	{{template "row_held_loads" .}}
{{- if .Planar}}
{{- range $m := seq .Rows}}{{range $l := seq $.Take}}{{range $j := seq $.Planes}}

{{- if gt (mul (add $l 1) $.Lanes) $.Blocks}}
	let a{{$m}}_{{$l}}_{{$j}} = select(vec4<f32>(0.0), activation({{$m}}u, {{mul $j $.Blocks}}u + min(lane + {{mul $l $.Lanes}}u, {{sub $.Blocks 1}}u)), lane < {{sub $.Blocks (mul $l $.Lanes)}}u);
{{- else}}
	let a{{$m}}_{{$l}}_{{$j}} = activation({{$m}}u, {{mul $j $.Blocks}}u + lane + {{mul $l $.Lanes}}u);
{{- end}}
{{- end}}{{end}}
{{- if $.Norm}}
	let squares{{$m}} = square_share({{$m}}u, t);
{{- end}}{{end}}
{{- if .Conv}}
	{{template "in_proj_step_loads" .}}
{{- end}}
{{- else}}
{{- range $m := seq .Rows}}{{range $l := seq $.Take}}{{range $j := seq $.Planes}}
	var a{{$m}}_{{$l}}_{{$j}} = vec4<f32>(0.0);
{{- end}}{{end}}
{{- if $.Norm}}
	var squares{{$m}} = vec4<f32>(0.0);
{{- end}}{{end}}
{{- if lt .Chunk .Blocks}}
	for (var start = 0u; start < {{.Blocks}}u; start += {{.Chunk}}u) {
{{- else}}
	{
		let start = 0u;
{{- end}}
{{- if .Carry}}
		{{template "in_proj_step_loads" .}}
{{- end}}
		// All of an invocation's loads of activations are on their way before the first store.
{{- range $s := seq .Stages}}
		let i{{$s}} = t + {{mul $s $.Threads}}u;
		let q{{$s}} = start * {{$.Planes}}u + i{{$s}};
{{- if $.Norm}}
		let gain{{$s}} = norm_quad(q{{$s}});
{{- end}}
{{- range $m := seq $.Rows}}
		let b{{$m}}_{{$s}} = activation({{$m}}u, q{{$s}});
{{- end}}{{end}}
{{- if and .Conv (not .Carry)}}
		{{template "in_proj_step_loads" .}}
{{- end}}
{{- range $s := seq .Stages}}
{{- if gt (mul (add $s 1) $.Threads) (mul $.Chunk $.Planes)}}
		if (i{{$s}} < {{mul $.Chunk $.Planes}}u) {
{{- else}}
		{
{{- end}}
			let at = i{{$s}} % {{$.Planes}}u * {{$.Pitch}}u + i{{$s}} / {{$.Planes}}u;
{{- range $m := seq $.Rows}}
{{- if $.Norm}}
			squares{{$m}} = fma(b{{$m}}_{{$s}}, b{{$m}}_{{$s}}, squares{{$m}});
{{- if $.Carry}}
			carry(place, q{{$s}}, b{{$m}}_{{$s}});
{{- end}}
			let n{{$m}} = b{{$m}}_{{$s}} * gain{{$s}};
			pool[{{mul $m $.Pitch $.Planes}}u + at] = n{{$m}};
{{- if $.Keep}}
			keep(place, {{$m}}u, q{{$s}}, n{{$m}});
{{- end}}
{{- else}}
			pool[{{mul $m $.Pitch $.Planes}}u + at] = b{{$m}}_{{$s}};
{{- end}}{{end}}
		}
{{- end}}
		workgroupBarrier();
{{- range $l := seq .Take}}
{{- if lt $.Chunk $.Blocks}}
		if (lane + {{mul $l $.Lanes}}u - start < {{$.Chunk}}u) { // if not before start either
{{- else}}
		{
{{- end}}
			let b = lane + {{mul $l $.Lanes}}u - start;
{{- range $m := seq $.Rows}}{{range $j := seq $.Planes}}
			a{{$m}}_{{$l}}_{{$j}} = pool[{{add (mul $m $.Pitch $.Planes) (mul $j $.Pitch)}}u + b];
{{- end}}{{end}}
		}
{{- end}}
		workgroupBarrier();
	}
{{- end}}
{{- if eq .Weights "Q8" "Q4"}}
	// What the constant in integers adds to a sum, negative: where the sums begin.
{{- range $m := seq .Rows}}
{{- if eq $.Weights "Q8"}}
	var k{{$m}} = vec4<f32>(0.0);
{{- end}}
{{- range $l := seq $.Take}}
{{- if eq $.Weights "Q4"}}
	var k{{$m}}_{{$l}} = vec4<f32>(0.0);
{{- end}}
{{- range $j := seq $.Planes}}
	k{{$m}}{{if eq $.Weights "Q4"}}_{{$l}}{{end}} -= {{template "block_offset" $}} * a{{$m}}_{{$l}}_{{$j}};
{{- end}}{{end}}{{end}}{{end}}
{{- if .Norm}}{{range $m := seq .Rows}}
	{
		let at = {{add (mul $.Slots $.SlotPitch) (mul $m $.Threads)}}u + t;
		pool[at / 4u][at % 4u] = (squares{{$m}}.x + squares{{$m}}.y) + (squares{{$m}}.z + squares{{$m}}.w);
	}
{{- end}}{{end}}
{{- $turns := div .Each .Flight}}
{{- if le $turns 4}}
{{- range $k := seq $turns}}
	{
		let turn = {{mul $k $.Flight}}u;
{{- template "row_held_turn" $}}
	}
{{- end}}
{{- else}}
	for (var turn = 0u; turn < {{.Each}}u; turn += {{.Flight}}u) {
{{- template "row_held_turn" .}}
	}
{{- end}}
	{{- template "lanes_meet" .}}
{{- end}}

{{define "held_sum"}}
var<workgroup> totals: array<f32, {{mul .Left .Totals}}>; // sums of lanes, [lane][slot]

// total is what is left of a slot's sum.
fn total(slot: u32) -> f32 {
	var sum = totals[slot];
{{- range $i := seq .Left}}{{if $i}}
	sum += totals[{{mul $i $.Totals}}u + slot];
{{- end}}{{end}}
	return sum;
}

// row_sum is the product of row r of the workgroup's weights and row m of the
// activations.
fn row_sum(r: u32, m: u32) -> f32 {
	return total(r * {{.Rows}}u + m);
}
{{- if .Norm}}

// row_rms is the factor that normalises row m of the activations.
fn row_rms(m: u32) -> f32 {
	return 1.0 / sqrt(total({{.Slots}}u + m) / {{.K}}.0 + params.eps);
}
{{- end}}
{{- end}}
{{/* lanes_meet: adds up what the lanes left in pool of each sum and, with Norm, the squares: Left
shares of each in totals. */}}
{{define "lanes_meet"}}
	workgroupBarrier();
{{- range $turn := seq (ceilDiv .Totals (div .Threads .Left))}}
	{
		let s = t / {{$.Left}}u + {{mul $turn (div $.Threads $.Left)}}u;
		var sum = 0.0;
		if (s < {{$.Slots}}u) {
			let first = s * {{$.SlotPitch}}u + t % {{$.Left}}u;
{{- range $i := seq (ceilDiv $.Lanes $.Left)}}
{{- if gt (mul (add $i 1) $.Left) $.Lanes}}
			if (t % {{$.Left}}u < {{sub $.Lanes (mul $i $.Left)}}u) {
				sum += pool[(first + {{mul $i $.Left}}u) / 4u][(first + {{mul $i $.Left}}u) % 4u];
			}
{{- else}}
			sum += pool[(first + {{mul $i $.Left}}u) / 4u][(first + {{mul $i $.Left}}u) % 4u];
{{- end}}{{end}}
{{- if $.Norm}}
		} else if (s < {{$.Totals}}u) {
			let first = {{mul $.Slots $.SlotPitch}}u + (s - {{$.Slots}}u) * {{$.Threads}}u + t % {{$.Left}}u;
{{- range $i := seq (div $.Threads $.Left)}}
			sum += pool[(first + {{mul $i $.Left}}u) / 4u][(first + {{mul $i $.Left}}u) % 4u];
{{- end}}
{{- end}}
		}
		if (s < {{$.Totals}}u) {
			totals[t % {{$.Left}}u * {{$.Totals}}u + s] = sum;
		}
	}
{{- end}}
	workgroupBarrier();
{{- end}}
