// column_sums: sums over rows, such as the gradient of a bias.
//
//   sums[off_out + n] = sum_r x[r*stride + offset + n]{{if .Add}} + sums[off_out + n]{{end}}
//
// A workgroup sums a group of rows of {{.Lanes}} columns: {{.RowLanes}} rows side by side, four at a time
// each, then these sums in order. Group y writes row y of sums.
//
// In      x (rows, columns) with leading dimension stride
// Out     sums (groups, columns), from off_out on
// Grid    (ceil(columns/{{.Lanes}}), groups of rows); {{.Invocations}} invocations
// Memory  {{.Memory}} bytes
// Tail    columns past the end repeat the last one and are not written; rows past
//         the end are zero
// Twin    cpu/column_sums.go
struct Params { rows: u32, columns: u32, stride: u32, offset: u32, off_out: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;          // (rows, columns)
@group(0) @binding(2) var<storage, read_write> sums: array<f32>; // (groups, columns)

var<workgroup> lane_sums: array<f32, {{.Invocations}}>; // [row lane][column lane]

@compute @workgroup_size({{.Invocations}})
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) groups: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let n = wg.x * {{.Lanes}}u + t % {{.Lanes}}u;
	let at = params.offset + min(n, params.columns - 1u);
	let share = (params.rows + groups.y - 1u) / groups.y;
	let end = min(params.rows, (wg.y + 1u) * share);
	var r = wg.y * share + t / {{.Lanes}}u;
	var sum = 0.0;
	for (; r + {{mul 3 .RowLanes}}u < end; r += {{mul 4 .RowLanes}}u) {
		let x0 = x[at + r * params.stride];
		let x1 = x[at + (r + {{.RowLanes}}u) * params.stride];
		let x2 = x[at + (r + {{mul 2 .RowLanes}}u) * params.stride];
		let x3 = x[at + (r + {{mul 3 .RowLanes}}u) * params.stride];
		sum += (x0 + x1) + (x2 + x3);
	}
	for (; r < end; r += {{.RowLanes}}u) {
		sum += x[at + r * params.stride];
	}
	lane_sums[t] = sum;
	workgroupBarrier();
	if (t >= {{.Lanes}}u || n >= params.columns) {
		return;
	}
	for (var i = 1u; i < {{.RowLanes}}u; i++) {
		sum += lane_sums[min(t + i * {{.Lanes}}u, {{sub .Invocations 1}}u)];
	}
	let out = wg.y * params.columns + params.off_out + n;
	sums[out] = sum{{if .Add}} + sums[out]{{end}};
}
