{{/* What scans of several kinds share.

sequence_memory: where the workgroup's sequence lies, if sequences are packed. */}}
{{define "sequence_memory"}}
{{- if .Packed}}
var<workgroup> sequence: vec3<u32>; // slot, first row, rows
{{- end}}
{{- end}}
{{/* sequence: the slot, the first row and the length of the workgroup's sequence. Of
packed ones all invocations have to see them as one value, so that barriers may lie in a
loop over it. */}}
{{define "sequence"}}
{{- if .Packed}}
	if (t == 0u) {
		sequence = vec3<u32>(slots[wg.y * 3u], slots[wg.y * 3u + 1u], slots[wg.y * 3u + 2u]);
	}
	let slot = workgroupUniformLoad(&sequence).x;
	let row0 = workgroupUniformLoad(&sequence).y;
	let length = workgroupUniformLoad(&sequence).z;
{{- else}}
	let slot = slots[wg.y];
	let row0 = wg.y * params.length;
	let length = params.length;
{{- end}}
{{- end}}
{{/* scan_skip_at, scan_bias_at: where D and the bias start in the weights of a real scan. */}}
{{define "scan_skip_at"}}{{if .SharedA}}{{.States}}u{{else}}params.channels * {{.States}}u{{end}}{{end}}
{{define "scan_bias_at"}}{{if .SharedA}}{{.States}}u{{if .HasD}} + params.channels{{end}}{{else}}params.channels * {{if .HasD}}{{add .States 1}}u{{else}}{{.States}}u{{end}}{{end}}{{end}}
{{/* complex_cell: cell(at, n) is B and C of state n of the row of bc that starts
at element at. */}}
{{define "complex_cell"}}
fn cell(at: u32, n: u32) -> vec4<f32> {
	let b = at + params.off_b + 2u * n;
	let c = at + params.off_c + 2u * n;
	return vec4<f32>(bc[b], bc[b + 1u], bc[c], bc[c + 1u]);
}
{{- end}}
{{/* step_place: where an invocation of a scan's step of 16 channels x 8 state lanes stands,
and whether there is such a channel. */}}
{{define "step_place"}}
	let lane = t % 8u;
	let c = t / 8u;
	let inside = wg.x * 16u + c < params.channels;
	let channel = min(wg.x * 16u + c, params.channels - 1u);
	let row = wg.y;
{{- end}}
{{/* step_sum: the sum of the 8 lanes' sums from element i on, in the same. */}}
{{define "step_sum" -}}
((sums[i] + sums[i + 1u]) + (sums[i + 2u] + sums[i + 3u]))
			+ ((sums[i + 4u] + sums[i + 5u]) + (sums[i + 6u] + sums[i + 7u]))
{{- end}}
