{{/* Sums in bins (StepFlow in package shaders): flags and three words more at .At, then
Count words of each bin, one of each sum; all of it Copies times, which are added up when
they are read, so that fewer add to the same word.

bin_add declares <name>_add(copy, i, v), which adds v to sum i in array flow of atomic words.
bin_sum declares <name>_sum(i), sum i or, with Quads, quad i of the sums, where at(i) is
element i of the array that they lie in, of one word or four. */}}
{{define "bin_add"}}
// {{.Name}}_add adds v to a sum.
fn {{.Name}}_add(copy: u32, i: u32, v: f32) {
	if (v == 0.0) {
		return;
	}
	let flags = {{.At}}u + copy * {{.Words}}u;
	let exponent = (bitcast<u32>(v) >> 23u) & 255u;
	if (exponent == 255u) {
		atomicOr(&flow[flags], 2);
		return;
	}
	// The bin's unit has exponent 13 + 22 bin as a float's bits count it.
	let bin = (max(exponent, 35u) - 13u) / 22u;
	let filled = v * bitcast<f32>((241u - 22u * bin) << 23u);
	let whole = round(filled);
	let place = flags + 4u + bin * {{.Count}}u + i;
	atomicAdd(&flow[place], i32(whole));
	atomicAdd(&flow[place - {{.Count}}u], i32(round((filled - whole) * 4194304.0)));
	if (bin < 3u || bin > 5u) {
		atomicOr(&flow[flags], 1);
	}
}
{{- end}}

{{define "bin_sum"}}
{{- $count := .Count}}{{$first := add .At 4}}{{$flags := .At}}{{$words := .Words}}{{$type := "f32"}}
{{- if .Quads}}{{$count = div $count 4}}{{$first = div $first 4}}{{$flags = div $flags 4}}{{$words = div $words 4}}{{$type = "vec4<f32>"}}{{end}}
// {{.Name}}_bin is a bin of {{if .Quads}}four sums{{else}}a sum{{end}}.
fn {{.Name}}_bin(bin: u32, i: u32) -> {{$type}} {
	let place = {{$first}}u + bin * {{$count}}u + i;
	return {{$type}}({{range $c := seq .Copies}}{{if $c}} + {{end}}at(place{{if $c}} + {{mul $c $words}}u{{end}}){{end}});
}

// {{.Name}}_sum is {{if .Quads}}four sums{{else}}a sum{{end}}.
fn {{.Name}}_sum(i: u32) -> {{$type}} {
	let flags = {{range $c := seq .Copies}}{{if $c}} | {{end}}at({{add $flags (mul $c $words)}}u){{if $.Quads}}.x{{end}}{{end}};
	var sum = {{.Name}}_bin(2u, i) * 8.470329472543003e-22; // 2^-70
	sum += {{.Name}}_bin(3u, i) * 3.552713678800501e-15; // 2^-48
	sum += {{.Name}}_bin(4u, i) * 1.4901161193847656e-8; // 2^-26
	sum += {{.Name}}_bin(5u, i) * 0.0625; // 2^-4
	if (flags != 0) {
		sum = {{$type}}(0.0);
		for (var bin = 0u; bin < 11u; bin++) {
			sum += {{.Name}}_bin(bin, i) * bitcast<f32>((13u + 22u * bin) << 23u);
		}
		if ((flags & 2) != 0) {
			sum = {{$type}}(bitcast<f32>(bitcast<u32>(flags) | 0x7fc00000u));
		}
	}
	return sum;
}
{{- end}}
