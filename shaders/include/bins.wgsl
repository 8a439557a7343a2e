{{/* Sums in bins (StepFlow in package shaders): flags and three words more at .At, then
Count words of each bin, one of each sum.

bin_add declares <name>_add(i, v), which adds v to sum i in array flow of atomic words.
bin_sum declares <name>_sum(i), sum i or, with Quads, quad i of the sums, where at(i) is
element i of the array that they lie in, of one word or four. */}}
{{define "bin_add"}}
// {{.Name}}_add adds v to a sum.
fn {{.Name}}_add(i: u32, v: f32) {
	if (v == 0.0) {
		return;
	}
	let exponent = (bitcast<u32>(v) >> 23u) & 255u;
	if (exponent == 255u) {
		atomicOr(&flow[{{.At}}u], 2);
		return;
	}
	// The bin's unit has exponent 13 + 22 bin as a float's bits count it.
	let bin = (max(exponent, 35u) - 13u) / 22u;
	let filled = v * bitcast<f32>((241u - 22u * bin) << 23u);
	let whole = round(filled);
	let place = {{add .At 4}}u + bin * {{.Count}}u + i;
	atomicAdd(&flow[place], i32(whole));
	atomicAdd(&flow[place - {{.Count}}u], i32(round((filled - whole) * 4194304.0)));
	if (bin < 3u || bin > 5u) {
		atomicOr(&flow[{{.At}}u], 1);
	}
}
{{- end}}

{{define "bin_sum"}}
{{- $count := .Count}}{{$first := add .At 4}}{{$flags := .At}}
{{- if .Quads}}{{$count = div $count 4}}{{$first = div $first 4}}{{$flags = div $flags 4}}{{end}}
{{- if .Quads}}

// {{.Name}}_sum is four sums. Four bins hold every sum of parts of common sizes.
fn {{.Name}}_sum(i: u32) -> vec4<f32> {
	let flags = at({{$flags}}u).x;
	var sum = vec4<f32>(at({{add $first (mul 2 $count)}}u + i)) * 8.470329472543003e-22; // 2^-70
	sum += vec4<f32>(at({{add $first (mul 3 $count)}}u + i)) * 3.552713678800501e-15; // 2^-48
	sum += vec4<f32>(at({{add $first (mul 4 $count)}}u + i)) * 1.4901161193847656e-8; // 2^-26
	sum += vec4<f32>(at({{add $first (mul 5 $count)}}u + i)) * 0.0625; // 2^-4
	if (flags != 0) {
		sum = vec4<f32>(0.0);
		for (var bin = 0u; bin < 11u; bin++) {
			sum += vec4<f32>(at({{$first}}u + bin * {{$count}}u + i)) * bitcast<f32>((13u + 22u * bin) << 23u);
		}
		if ((flags & 2) != 0) {
			sum = vec4<f32>(bitcast<f32>(bitcast<u32>(flags) | 0x7fc00000u));
		}
	}
	return sum;
}
{{- else}}

// {{.Name}}_sum is a sum. All bins are read at once: a branch on the flags would have what
// follows wait for them.
fn {{.Name}}_sum(i: u32) -> f32 {
	let flags = at({{$flags}}u);
{{- range $bin := seq 11}}
	let b{{$bin}} = at({{add $first (mul $bin $count)}}u + i);
{{- end}}
	var sum = 0.0;
{{- range $bin := seq 11}}
	sum += f32(b{{$bin}}) * bitcast<f32>({{add 13 (mul 22 $bin)}}u << 23u);
{{- end}}
	return select(sum, bitcast<f32>(bitcast<u32>(flags) | 0x7fc00000u), (flags & 2) != 0);
}
{{- end}}
{{- end}}
