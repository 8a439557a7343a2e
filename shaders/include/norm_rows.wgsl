{{/* Rows of a norm's backward kernel (normRows): Lanes invocations share a row of Width
columns, {{.Lanes}} quads apart, and a workgroup has several rows side by side. x_quad,
weight_quad and dy_quad(row, q) are columns 4q to 4q+3, zeros past the row, of which
nothing is read. held(q, v) is v with zeros past the row. put_dx and put_part write quads
of dx and of the sums of a group of rows. row_total adds up over the lanes of a row,
column_total over the rows side by side. norm_ahead and norm_next load a row before the
one that is worked on, so that memory does not wait at barriers: the last row twice. */}}
{{define "norm_rows"}}
{{- $quads := ceilDiv .Width 4}}{{$whole := eq (mul .Lanes .Quads 4) .Width}}{{$v := .}}
{{- range names "x" "weight" "dy" "dx"}}
fn {{.}}_quad(row: u32, q: u32) -> vec4<f32> {
{{- if and $v.Vec $whole}}
	return {{.}}[row * {{$quads}}u + q];
{{- else if $v.Vec}}
	return held(q, {{.}}[row * {{$quads}}u + min(q, {{sub $quads 1}}u)]);
{{- else}}
	let i = row * {{$v.Width}}u;
	let k = q * 4u;
	return held(q, vec4<f32>(
		{{.}}[i + min(k, {{sub $v.Width 1}}u)], {{.}}[i + min(k + 1u, {{sub $v.Width 1}}u)],
		{{.}}[i + min(k + 2u, {{sub $v.Width 1}}u)], {{.}}[i + min(k + 3u, {{sub $v.Width 1}}u)]));
{{- end}}
}
{{end}}
fn held(q: u32, v: vec4<f32>) -> vec4<f32> {
{{- if $whole}}
	return v;
{{- else if .Vec}}
	return select(vec4<f32>(0.0), v, q < {{$quads}}u);
{{- else}}
	let k = q * 4u;
	return select(vec4<f32>(0.0), v, vec4<u32>(k, k + 1u, k + 2u, k + 3u) < vec4<u32>({{.Width}}u));
{{- end}}
}

fn put_dx(row: u32, q: u32, v: vec4<f32>) {
{{- if .Vec}}
	if (q < {{$quads}}u) {
		dx[row * {{$quads}}u + q] = v;
	}
{{- else}}
{{- range $c := seq 4}}
	if (q * 4u + {{$c}}u < {{$v.Width}}u) {
		dx[row * {{$v.Width}}u + q * 4u + {{$c}}u] = v.{{comp $c}};
	}
{{- end}}{{end}}
}

fn put_part(row: u32, q: u32, v: vec4<f32>) {
{{- if .Vec}}
	if (q < {{$quads}}u) {
		parts[row * {{$quads}}u + q] = v;
	}
{{- else}}
{{- range $c := seq 4}}
	if (q * 4u + {{$c}}u < {{$v.Width}}u) {
		parts[row * {{$v.Width}}u + q * 4u + {{$c}}u] = v.{{comp $c}};
	}
{{- end}}{{end}}
}
{{$side := div 256 .Lanes}}
var<workgroup> pool: array<array<vec4<f32>, {{.Lanes}}>, {{$side}}>; // [row][lane]

fn row_total(v: vec4<f32>, side: u32, lane: u32) -> vec4<f32> {
	workgroupBarrier();
	pool[side][lane] = v;
	workgroupBarrier();
{{- if gt .Lanes 32}}
	if (lane < 32u) {
		var sum = v;
		for (var i = lane + 32u; i < {{.Lanes}}u; i += 32u) {
			sum += pool[side][min(i, {{sub .Lanes 1}}u)];
		}
		pool[side][lane] = sum;
	}
	workgroupBarrier();
{{- end}}
	var even = pool[side][0];
	var odd = pool[side][1];
{{- range $i := seq 15}}
	even += pool[side][{{add (mul $i 2) 2}}];
	odd += pool[side][{{add (mul $i 2) 3}}];
{{- end}}
	return even + odd;
}

fn column_total(v: vec4<f32>, side: u32, lane: u32) -> vec4<f32> {
	workgroupBarrier();
	pool[side][lane] = v;
	workgroupBarrier();
	var sum = pool[0][lane];
{{- range $i := seq (sub $side 1)}}
	sum += pool[{{add $i 1}}][lane];
{{- end}}
	return sum;
}
{{- end}}

{{define "norm_ahead"}}
	var ahead = min(first, params.rows - 1u);
{{- range $j := seq .Quads}}
	var next_x{{$j}} = x_quad(ahead, q{{$j}});
	var next_d{{$j}} = dy_quad(ahead, q{{$j}});
{{- if $.Add}}
	var next_old{{$j}} = dx_quad(ahead, q{{$j}});
{{- end}}{{end}}
{{- end}}
{{define "norm_next"}}
{{- range $j := seq .Quads}}
		let x{{$j}} = next_x{{$j}};
		let d{{$j}} = next_d{{$j}};
{{- if $.Add}}
		let old{{$j}} = next_old{{$j}};
{{- end}}{{end}}
		ahead = min(first + min(turn + 1u, params.steps - 1u) * {{div 256 .Lanes}}u, params.rows - 1u);
{{- range $j := seq .Quads}}
		next_x{{$j}} = x_quad(ahead, q{{$j}});
		next_d{{$j}} = dy_quad(ahead, q{{$j}});
{{- if $.Add}}
		next_old{{$j}} = dx_quad(ahead, q{{$j}});
{{- end}}{{end}}
{{- end}}
