// dst[i] = src[i]: the bandwidth that memory gives to a kernel that does
// nothing else.
//
// In:   src (n) vectors of 16 bytes
// Out:  dst (n)
// Grid: n / (256 {{.Each}}), 256 invocations of {{.Each}} vectors each, neighbours side by side
// Tail: none, n is a multiple of 256 {{.Each}}

@group(0) @binding(0) var<storage, read>       src: array<vec4<f32>>; // (n)
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>; // (n)

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = group.x * {{.Vectors}}u + lane;
{{- range .Offsets}}
    let v{{.}} = src[first + {{.}}u];
{{- end}}
{{- range .Offsets}}
    dst[first + {{.}}u] = v{{.}};
{{- end}}
}
