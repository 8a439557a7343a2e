// embedding_backward: the gradient of embedding, by the places of its ids (places.go).
//
{{- if .Sums}}
//   dtable[id - first_row] += sum_i parts[first + i]   for each sum (first, count, id)
{{- else}}
//   sum = sum_i dx[order[first + i]]                   for each piece (first, count, id)
//   dtable[id - first_row] += sum, or parts[piece] = sum of a token that has several
{{- end}}
//
// Eight rows are loaded together. Every row of dtable is touched by one invocation a
// column, so that sums have one order.
//
// In      places; {{if .Sums}}parts (partial pieces, width){{else}}dx (tokens, width){{end}}
// Out     dtable (rows, stride){{if and .Partial (not .Sums)}}; parts (partial pieces, width){{end}}
// Grid    (ceil(width/256), entries), where workgroups go on to further entries; 64
//         invocations, four columns each
// Tail    columns past width are not written; ids outside of dtable are left out
// Twin    cpu/embedding_backward.go
struct Params { width: u32, first_row: u32, rows: u32, entries: u32, stride: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> places: array<u32>;           // header, order, pieces, sums
@group(0) @binding(2) var<storage, read> x: array<{{template "element" .}}>;          // {{if .Sums}}(partial pieces, width){{else}}(tokens, width){{end}}
@group(0) @binding(3) var<storage, read_write> dtable: array<{{template "element" .}}>; // (rows, stride)
{{- if and .Partial (not .Sums)}}
@group(0) @binding(4) var<storage, read_write> parts: array<{{template "element" .}}>;  // (partial pieces, width)
{{- end}}

// source is the row of x that is number i of an entry's.
fn source(i: u32) -> u32 {
	return {{if .Sums}}i{{else}}places[4u + i]{{end}};
}

fn quad(row: u32, q: u32) -> vec4<f32> {
{{- if .Vec}}
	return x[row * (params.width / 4u) + q];
{{- else}}
	let i = row * params.width;
	let k = q * 4u;
	let last = params.width - 1u;
	return vec4<f32>(x[i + k], x[i + min(k + 1u, last)], x[i + min(k + 2u, last)], x[i + min(k + 3u, last)]);
{{- end}}
}

@compute @workgroup_size(64)
fn main(
	@builtin(global_invocation_id) id: vec3<u32>,
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
) {
	let q = id.x;
	if (q * 4u >= params.width) {
		return;
	}
	let entries = places[{{if .Sums}}2{{else}}0{{end}}u];
	for (var entry = wg.y; entry < entries; entry += groups.y) {
		let at = params.entries + 3u * entry;
		let first = places[at];
		let end = first + places[at + 1u];
		let row = places[at + 2u] - params.first_row; // wraps to a large number below the table
		if (row >= params.rows) {
			continue;
		}
		var sum = vec4<f32>(0.0);
		for (var i = first; i < end; i += 8u) {
{{- range $j := seq 8}}
			let row{{$j}} = source(min(i + {{$j}}u, end - 1u));
{{- end}}
{{- range $j := seq 8}}
			let x{{$j}} = quad(row{{$j}}, q);
{{- end}}
{{- range $j := seq 8}}
			sum += select(vec4<f32>(0.0), x{{$j}}, i + {{$j}}u < end);
{{- end}}
		}
{{- if and .Partial (not .Sums)}}
		if (entry < places[1]) {
			put_part(entry, q, sum);
			continue;
		}
{{- end}}
		add(row, q, sum);
	}
}

fn add(row: u32, q: u32, v: vec4<f32>) {
{{- if .Vec}}
	dtable[row * (params.stride / 4u) + q] += v;
{{- else}}
{{- range $c := seq 4}}
	if (q * 4u + {{$c}}u < params.width) {
		dtable[row * params.stride + q * 4u + {{$c}}u] += v.{{comp $c}};
	}
{{- end}}{{end}}
}
{{- if and .Partial (not .Sums)}}

fn put_part(row: u32, q: u32, v: vec4<f32>) {
{{- if .Vec}}
	parts[row * (params.width / 4u) + q] = v;
{{- else}}
{{- range $c := seq 4}}
	if (q * 4u + {{$c}}u < params.width) {
		parts[row * params.width + q * 4u + {{$c}}u] = v.{{comp $c}};
	}
{{- end}}{{end}}
}
{{- end}}
