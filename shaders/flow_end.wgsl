// flow_end: the end of a step whose layers hand on what they computed by flows.
//
//   residual = the last layer's residual + out_proj's sums
//   the sums of all flows = 0
//
// The first workgroup does the last layer's, whose flags all its sums share, the others have
// a quad of the others' for each invocation.
//
// In      even, odd: flows (StepFlow) of the layers in turn, {{.Stride}} words apart
// Out     residual ({{.Width}}); the flows' sums
// Grid    1 + ceil(quads of the other layers' sums / 256) over x and y; 256 invocations
// Tail    quads past the end are not written
// Twin    cpu/flow_end.go
struct Params { layers: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> even: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read_write> odd: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> residual: array<f32>; // ({{.Width}})

// at is a word of the last layer's array.
fn at(i: u32) -> i32 {
	return {{.Last}}[i / 4u][i % 4u];
}
{{template "bin_sum" .Sums}}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) grid: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let place = wg.y * grid.x + wg.x;
	if (place > 0u) {
		let i = (place - 1u) * 256u + t;
		let layer = i / {{.ZeroQuads}}u;
		let quad = layer / 2u * {{div .Stride 4}}u + i % {{.ZeroQuads}}u;
		if (layer < params.layers - 1u) {
			if (layer % 2u == 0u) {
				even[quad] = vec4<i32>(0);
			} else {
				odd[quad] = vec4<i32>(0);
			}
		}
		return;
	}
	for (var i = t; i < {{.Width}}u; i += 256u) {
		residual[i] = bitcast<f32>(at({{add .LastAt .Residual}}u + i)) + out_sum(i);
	}
	storageBarrier();
	for (var i = t; i < {{.ZeroQuads}}u; i += 256u) {
		{{.Last}}[{{div .LastAt 4}}u + i] = vec4<i32>(0);
	}
}
