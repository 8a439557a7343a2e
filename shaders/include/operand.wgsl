{{/* Operands of a product, in floats, in blocks of four rows by four columns of k. A block
is loaded as four vectors: its rows where k is contiguous, its columns where the rows
are (Trans), each whole where all of them start on one (Vec), and else element by
element. An operand is Name, of Rows rows, with ld and off in params.
<name>_quad(row, q, i) is vector i of the block of rows row to row+3 and columns 4q to
4q+3. Rows past the end repeat the last one, columns past k are zero: nothing past
either is read, since a trusted module checks no index. Whole tells that there are no
columns past k in a block.

An operand in halves has two vectors a block, each of two rows or columns in the lower and
the upper halves of its words; operand_value makes the block's vectors v0 to v3 of what
was loaded, load<unit>_<i>. */}}
{{define "operand_type"}}{{if .Vec}}vec4<{{template "operand_word" .}}>{{else}}{{template "operand_word" .}}{{end}}{{end}}
{{define "operand_word"}}{{if .Halves}}u32{{else}}f32{{end}}{{end}}
{{define "operand_value"}}
{{- $o := .Operand}}{{$u := .Unit}}
{{- if $o.Halves}}
{{- range $i := seq 2}}
{{- range $c := seq 4}}
			let pair{{$i}}_{{$c}} = unpack2x16float(load{{$u}}_{{$i}}.{{comp $c}});
{{- end}}
{{- range $r := seq 2}}
			let v{{add (mul 2 $i) $r}} = vec4<f32>({{range $c := seq 4}}{{if $c}}, {{end}}pair{{$i}}_{{$c}}.{{comp $r}}{{end}});
{{- end}}
{{- end}}
{{- else}}
{{- range $i := seq 4}}
			let v{{$i}} = bitcast<vec4<f32>>(load{{$u}}_{{$i}});
{{- end}}
{{- end}}
{{- end}}
{{define "operand_load"}}
{{- if .Halves}}{{template "operand_pairs" .}}{{else}}{{template "operand_quads" .}}{{end}}
{{- end}}
{{define "operand_pairs"}}
fn {{.Name}}_quad(row: u32, q: u32, i: u32) -> vec4<u32> {
{{- if .Trans}}
	let pair = q * 2u + i;
{{- if .Whole}}
	let at = pair * params.ld{{.Name}} + params.off_{{.Name}};
{{- else}}
	let at = min(pair, params.k / 2u - 1u) * params.ld{{.Name}} + params.off_{{.Name}};
{{- end}}
{{- if .Vec}}
	let v = {{.Name}}[(at + min(row, params.{{.Rows}} - 4u)) / 4u];
{{- else}}
	let last = params.{{.Rows}} - 1u;
	let v = vec4<u32>(
		{{.Name}}[at + min(row, last)], {{.Name}}[at + min(row + 1u, last)],
		{{.Name}}[at + min(row + 2u, last)], {{.Name}}[at + min(row + 3u, last)]);
{{- end}}
	return {{if .Whole}}v{{else}}select(vec4<u32>(0u), v, pair * 2u < params.k){{end}};
{{- else}}
	let at = min(row / 2u + i, params.{{.Rows}} / 2u - 1u) * params.ld{{.Name}} + params.off_{{.Name}};
{{- if .Vec}}
	return {{.Name}}[at / 4u + q];
{{- else}}
	let k = q * 4u;
	let last = params.k - 1u;
	return vec4<u32>(
		select(0u, {{.Name}}[at + min(k, last)], k < params.k),
		select(0u, {{.Name}}[at + min(k + 1u, last)], k + 1u < params.k),
		select(0u, {{.Name}}[at + min(k + 2u, last)], k + 2u < params.k),
		select(0u, {{.Name}}[at + min(k + 3u, last)], k + 3u < params.k));
{{- end}}
{{- end}}
}
{{- end}}
{{define "operand_quads"}}
fn {{.Name}}_quad(row: u32, q: u32, i: u32) -> vec4<f32> {
{{- if .Trans}}
	let k = q * 4u + i;
{{- if .Whole}}
	let at = k * params.ld{{.Name}} + params.off_{{.Name}};
{{- else}}
	let at = min(k, params.k - 1u) * params.ld{{.Name}} + params.off_{{.Name}};
{{- end}}
{{- if .Vec}}
	let v = {{.Name}}[(at + min(row, params.{{.Rows}} - 4u)) / 4u];
{{- else}}
	let last = params.{{.Rows}} - 1u;
	let v = vec4<f32>(
		{{.Name}}[at + min(row, last)], {{.Name}}[at + min(row + 1u, last)],
		{{.Name}}[at + min(row + 2u, last)], {{.Name}}[at + min(row + 3u, last)]);
{{- end}}
	return {{if .Whole}}v{{else}}select(vec4<f32>(0.0), v, k < params.k){{end}};
{{- else}}
	let at = min(row + i, params.{{.Rows}} - 1u) * params.ld{{.Name}} + params.off_{{.Name}};
{{- if .Vec}}
	return {{.Name}}[at / 4u + q];
{{- else}}
	let k = q * 4u;
	let last = params.k - 1u;
	return vec4<f32>(
		select(0.0, {{.Name}}[at + min(k, last)], k < params.k),
		select(0.0, {{.Name}}[at + min(k + 1u, last)], k + 1u < params.k),
		select(0.0, {{.Name}}[at + min(k + 2u, last)], k + 2u < params.k),
		select(0.0, {{.Name}}[at + min(k + 3u, last)], k + 3u < params.k));
{{- end}}
{{- end}}
}
{{- end}}
