// a = a x + y, over and over: the rate of float32 multiply-adds where nothing
// waits for memory.
//
// In:   x, y and the number of rounds
// Out:  out (n) vectors, the sum of an invocation's accumulators, so that no
//       compiler may leave anything out
// Grid: n / 256; 256 invocations with 8 vectors of accumulators each
// Twin: mulAddTwin

struct Params {
    rounds: u32, // of 8 multiply-adds of each accumulator
    x:      f32,
    y:      f32,
    unused: u32,
}

@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>; // (n)

fn step(a: vec4<f32>, x: vec4<f32>, y: vec4<f32>) -> vec4<f32> {
{{- if .Fused}}
    return fma(a, x, y);
{{- else}}
    return a * x + y;
{{- end}}
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let x = vec4<f32>(params.x);
    let y = vec4<f32>(params.y);
    let start = vec4<f32>(0.0, 0.25, 0.5, 0.75) + f32(lane) / 256.0;
{{- range .Eight}}
    var a{{.}} = start + {{.}}.0;
{{- end}}
    for (var r = 0u; r < params.rounds; r += 1u) {
{{- range .Eight}}
{{- range $.Eight}}
        a{{.}} = step(a{{.}}, x, y);
{{- end}}
{{- end}}
    }
    out[id.x] = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7));
}
