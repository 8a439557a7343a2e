{{/* sum_lanes: as the sum of the 8 lanes' parts of y of the run and channel of
invocation t. parts[run][channel][lane] is turned by the channel. */}}
{{define "sum_lanes" -}}
			let p = t * 8u;
			let turned = t % 8u;
			var sum = ((parts[p + turned] + parts[p + (1u ^ turned)]) + (parts[p + (2u ^ turned)] + parts[p + (3u ^ turned)]))
				+ ((parts[p + (4u ^ turned)] + parts[p + (5u ^ turned)]) + (parts[p + (6u ^ turned)] + parts[p + (7u ^ turned)]));
{{- end}}
{{/* packed_sequence: the slot, the first row and the length of the workgroup's
sequence, which all invocations have to see as one value, so that barriers may lie
in a loop over it. sequence is a workgroup variable of three words. */}}
{{define "packed_sequence" -}}
	if (t == 0u) {
		sequence = vec3<u32>(slots[wg.y * 3u], slots[wg.y * 3u + 1u], slots[wg.y * 3u + 2u]);
	}
	let slot = workgroupUniformLoad(&sequence).x;
	let row0 = workgroupUniformLoad(&sequence).y;
	let length = workgroupUniformLoad(&sequence).z;
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
