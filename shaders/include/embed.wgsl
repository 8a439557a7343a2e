{{/* embed writes quad q of row row of the table w (rows, columns) to row to of out (.., columns),
without columns past the end. It needs weight_load. */}}
{{define "embed"}}
fn embed(row: u32, q: u32, to: u32, rows: u32, columns: u32) {
	let quads = quads_of(columns);
{{- if eq .Weights "Q4"}}
	quads_all = rows * quads;
{{- end}}
	let v = weight(row * quads + q){{if eq .Weights "Q8"}} * row_scale(row, rows * quads){{end}};
	let col = q * 4u;
	let o = to * columns + col;
	out[o] = v.x;
	if (col + 1u < columns) { out[o + 1u] = v.y; }
	if (col + 2u < columns) { out[o + 2u] = v.z; }
	if (col + 3u < columns) { out[o + 3u] = v.w; }
}
{{- end}}
