{{/* sum_lanes: as the sum of the 8 lanes' parts of y of the run and channel of
invocation t. parts[run][channel][lane] is turned by the channel. */}}
{{define "sum_lanes" -}}
			let p = t * 8u;
			let turned = t % 8u;
			var sum = ((parts[p + turned] + parts[p + (1u ^ turned)]) + (parts[p + (2u ^ turned)] + parts[p + (3u ^ turned)]))
				+ ((parts[p + (4u ^ turned)] + parts[p + (5u ^ turned)]) + (parts[p + (6u ^ turned)] + parts[p + (7u ^ turned)]));
{{- end}}
{{/* complex_cell: cell(at, n) is B and C of state n of the row of bc that starts
at element at. */}}
{{define "complex_cell"}}
fn cell(at: u32, n: u32) -> vec4<f32> {
	let b = at + params.off_b + 2u * n;
	let c = at + params.off_c + 2u * n;
	return vec4<f32>(bc[b], bc[b + 1u], bc[c], bc[c + 1u]);
}
{{- end}}
