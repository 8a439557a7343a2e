{{/* W_dt as TransposePairs lays it out, (rank, channels) of floats padded to pairs of
channels. pair_type is the element of array wdt. pair_load defines raw_pair(k, pair), a
pair as it lies in memory, of the last pair past the end, and weight_pair(raw). */}}
{{define "pair_type"}}{{if eq .Weights "F32"}}vec2<f32>{{else}}u32{{end}}{{end}}
{{define "pair_load"}}{{$pairs := div (add .Channels 1) 2}}
fn raw_pair(k: u32, pair: u32) -> {{template "pair_type" .}} {
	return wdt[k * {{$pairs}}u + min(pair, {{sub $pairs 1}}u)];
}

fn weight_pair(raw: {{template "pair_type" .}}) -> vec2<f32> {
{{- if eq .Weights "F32"}}
	return raw;
{{- else if eq .Weights "F16"}}
	return unpack2x16float(raw);
{{- else}}
	return vec2<f32>(bitcast<f32>(raw << 16u), bitcast<f32>(raw & 0xffff0000u));
{{- end}}
}
{{- end}}
