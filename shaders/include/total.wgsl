{{/* total(v, t) is the sum of v over a workgroup of 256. */}}
{{define "total"}}
var<workgroup> totals: array<f32, 256>;

fn total(v: f32, t: u32) -> f32 {
	totals[t] = v;
	workgroupBarrier();
	for (var half = 128u; half > 0u; half /= 2u) {
		if (t < half) {
			totals[t] += totals[min(t + half, 255u)];
		}
		workgroupBarrier();
	}
	return totals[0];
}
{{- end}}
