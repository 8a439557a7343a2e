// flow_out_step: the second of two dispatches of a layer's step, from x_proj's sums to{{$p := .Product}}{{$s := .Scan}}
// out_proj's (arXiv 2312.00752, alg. 2).
//
//   d = softplus(W_dt dt + bias)
//   h = exp(d A) . h + (d u) B
//   y = (sum_n h C + D u) silu(z)
//   out_proj's sums += W_out y
//
// A workgroup has {{$s.Columns}} channels, in the scan (include/dt_scan.wgsl) and as columns of W_out. What
// these add to all sums it adds to their bins (include/bins.wgsl), where no order is needed.
//
// In      wdt, W_dt transposed ({{$s.Rank}}, channels), padded to pairs;
//         weights: A (channels, {{$s.States}}), D (channels), bias (channels); slots (1);
//         state (slots, channels, {{$s.States}}); w, W_out (n, channels) by columns of blocks
// Out     flow (StepFlow): dt ({{$s.Rank}}), B, C ({{$s.States}}), u and z in, out_proj's sums added to; state
// Grid    channels/{{$s.Columns}} over x and y; 256 invocations
// Memory  {{.Memory}} bytes
// Tail    invocations past the rows of w repeat the last one and add nothing
// Twin    cpu/flow_out_step.go
struct Params { width: u32, pad0: u32, pad1: u32, pad2: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> flow: array<atomic<i32>>;
@group(0) @binding(2) var<storage, read> wdt: array<{{template "pair_type" $s}}>; // ({{$s.Rank}}, channels)
@group(0) @binding(3) var<storage, read> weights: array<{{if $s.Vec}}vec4<f32>{{else}}f32{{end}}>; // (channels, {{$s.States}}), (channels), (channels)
@group(0) @binding(4) var<storage, read> slots: array<u32>;    // (1)
@group(0) @binding(5) var<storage, read_write> state: array<{{if $s.Vec}}vec4<f32>{{else}}f32{{end}}>; // (slots, channels, {{$s.States}})
@group(0) @binding(6) var<storage, read> w: array<vec4<u32>>;  // (blocks of channels, n)
{{template "row_blocks" $p}}

var<workgroup> gated: array<vec4<f32>, {{div $s.Columns 4}}>; // y

// at is a word of flow.
fn at(i: u32) -> i32 {
	return atomicLoad(&flow[i]);
}
{{template "bin_sum" $s.Flow.XSums}}
{{template "bin_add" .OutSums}}
{{template "dt_scan" $s}}

// row is the row of w that an invocation has, of those past the end the last. Workgroups start
// at different rows, so that fewer of them add to the same sum at once.
fn row(i: u32, group: u32) -> u32 {
	return (min(i, params.width - 1u) + group * 32u) % params.width;
}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) grid: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let group = wg.y * grid.x + wg.x;
{{- range $i := seq .Turns}}{{range $b := seq $.Take}}
	let x{{$i}}_{{$b}} = w[(group * {{$.Take}}u + {{$b}}u) * params.width + row(t + {{mul $i 256}}u, group)];
{{- end}}{{end}}
	scan(group, 0u, t);
	workgroupBarrier();
{{- range $i := seq .Turns}}
	{
		var sum = vec4<f32>(0.0);
{{- range $b := seq $.Take}}{{range $j := seq $p.Planes}}
		sum = fma(block_part{{$j}}(x{{$i}}_{{$b}}), gated[{{add (mul $b $p.Planes) $j}}], sum);
{{- end}}{{end}}
{{- if gt (mul (add $i 1) 256) $p.N}}
		if (t + {{mul $i 256}}u < params.width) {
			out_add(row(t + {{mul $i 256}}u, group), lane_sum(sum));
		}
{{- else}}
		out_add(row(t + {{mul $i 256}}u, group), lane_sum(sum));
{{- end}}
	}
{{- end}}
}
