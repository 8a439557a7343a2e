{{/* Halves, in which activations may lie: halves.go tells how.

half_bits is numbers, a vector of the type named, as halves, in the lower 16 bits of a
word each: the nearest half, ties to even; what is beyond all of them becomes infinite
and NaN stays NaN. WGSL's pack2x16float may round to either side, and promises nothing
of what is too large. Below 2^-14 halves are multiples of 2^-24, which is the unit in the
last place of 0.5. */}}
{{define "half_bits"}}
fn half_bits(v: {{.}}<f32>) -> {{.}}<u32> {
	let bits = bitcast<{{.}}<u32>>(v);
	let size = bits & {{.}}<u32>(0x7fffffffu);
	let odd = (size >> {{.}}<u32>(13u)) & {{.}}<u32>(1u);
	let normal = (size - {{.}}<u32>(0x38000000u) + {{.}}<u32>(0xfffu) + odd) >> {{.}}<u32>(13u);
	let small = bitcast<{{.}}<u32>>(bitcast<{{.}}<f32>>(size) + {{.}}<f32>(0.5)) - {{.}}<u32>(0x3f000000u);
	let large = select({{.}}<u32>(0x7c00u), {{.}}<u32>(0x7e00u), size > {{.}}<u32>(0x7f800000u));
	let finite = select(normal, small, size < {{.}}<u32>(0x38800000u));
	return select(large, finite, size < {{.}}<u32>(0x477ff000u)) | ((bits & {{.}}<u32>(0x80000000u)) >> {{.}}<u32>(16u));
}
{{- end}}
{{/* scan_word is what u, z and y are arrays of. */}}
{{define "scan_word"}}{{if .Halves}}u32{{else}}f32{{end}}{{end}}
{{/* scan_write_halves writes sum, four steps of y from row on, to the channel named; first is
the step's number in its sequence, of which the last is odd. */}}
{{define "scan_write_halves"}}
				let bits = half_bits(sum);
				let word = row / 2u * params.channels + {{.}};
				if (first <= last) { y[word] = bits.x | (bits.y << 16u); }
				if (first + 2u <= last) { y[word + params.channels] = bits.z | (bits.w << 16u); }
{{- end}}
