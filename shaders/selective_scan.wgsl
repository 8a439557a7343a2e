// selective_scan: the selective state space recurrence (arXiv 2312.00752,
// eq. 2 with the discretisation of alg. 2), as a blocked scan.
//
//   d_t = softplus(delta_t + bias)
//   h_t = exp(d_t A) . h_{t-1} + (d_t u_t) B_t
//   y_t = (sum_n h_t C_t + D u_t) silu(z_t)
//
// A workgroup owns 16 channels x 8 state lanes and walks time in tiles of
// {{.Steps}} steps. A lane keeps {{.PerLane}} state(s) of its channel in registers. What a tile
// needs lies in workgroup memory, in two buffers: while one is computed from,
// the next tile is loaded for the other. Each lane's part of y goes through
// workgroup memory, two buffers again, and is summed one tile later, so that
// one barrier a tile is enough.
//
// In      u, delta (batch, length, channels); bc: B at off_b, C at off_c of rows
//         of bc_stride; z at off_z of rows of z_stride; weights: A (channels, {{.States}}),
//         D (channels), bias (channels); slots (batch);
//         state (slots, channels, {{.States}})
// Out     y (batch, length, channels); state
// Grid    (ceil(channels/16), batch); 128 invocations
// Memory  {{.Memory}} bytes: d and d u of 16 channels, B and C of {{mul .Pairs 16}} states, twice;
//         8 partial sums of 16 channels in rows of 9, twice
// Tail    a step past the end is the identity (d = 0); channels past the end
//         repeat the last one and are not written; states past {{.States}} stay 0
// Twin    cpu/selective_scan.go
struct Params { length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, pad: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;           // (batch, length, channels)
@group(0) @binding(2) var<storage, read> delta: array<f32>;       // (batch, length, channels)
@group(0) @binding(3) var<storage, read> bc: array<f32>;          // (batch, length, bc_stride)
@group(0) @binding(4) var<storage, read> z: array<f32>;           // (batch, length, z_stride)
@group(0) @binding(5) var<storage, read> weights: array<f32>;     // (channels, {{.States}}), (channels), (channels)
@group(0) @binding(6) var<storage, read> slots: array<u32>;       // (batch)
@group(0) @binding(7) var<storage, read_write> state: array<f32>; // (slots, channels, {{.States}})
@group(0) @binding(8) var<storage, read_write> y: array<f32>;     // (batch, length, channels)
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{- if .HasZ}}
{{template "silu"}}
{{- end}}
{{- $steps := .Steps}}{{$run := .Run}}{{$twins := mul .Steps (mul .Pairs 8)}}
{{- $loads := div (add $twins 127) 128}}

// d_du[buffer][step][channel] is d and d u. b_c[buffer][step][pair][lane] is B
// and C of states lane+16 pair and lane+16 pair+8. parts[buffer][run][channel]
// [lane], in rows of 9, is a lane's part of y for {{$run}} steps.
var<workgroup> d_du: array<vec2<f32>, {{mul $steps 32}}>;
var<workgroup> b_c: array<vec4<f32>, {{mul 2 $twins}}>;
var<workgroup> parts: array<vec{{$run}}<f32>, {{mul (div $steps $run) 288}}>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	// As a computing lane: channel t/8, states lane, lane+8, ...
	let lane = t % 8u;
	let c = t / 8u;
	let channel = min(wg.x * 16u + c, params.channels - 1u);
	let row0 = wg.y * params.length;
	let held = (slots[wg.y] * params.channels + channel) * {{.States}}u;
	{{- /* exp(d A) = exp2(d A log2(e)) */}}
{{- range $j := seq .PerLane}}
	var h{{$j}} = 0.0;
	var a{{$j}} = 0.0;
	{{if lt (add (mul $j 8) 7) $.States}}{ {{- else}}if (lane + {{mul $j 8}}u < {{$.States}}u) { {{- end}}
		a{{$j}} = weights[channel * {{$.States}}u + lane + {{mul $j 8}}u] * 1.442695041;
{{- if not $.Fresh}}
		h{{$j}} = state[held + lane + {{mul $j 8}}u];
{{- end}}
	}
{{- end}}

	// As a loader and writer of one step and channel of a tile.
	let step = t / 16u;
	let column = min(wg.x * 16u + t % 16u, params.channels - 1u);
	let writes = {{if lt $steps 8}}step < {{$steps}}u && {{end}}wg.x * 16u + t % 16u < params.channels;
{{- if .HasBias}}
	let bias = weights[params.channels * {{if .HasD}}{{add .States 1}}u{{else}}{{.States}}u{{end}} + column];
{{- end}}
{{- if .HasD}}
	let skip = weights[params.channels * {{.States}}u + column];
{{- end}}
	var next_d = 0.0;
	var next_u = 0.0;
	var next_z = 0.0;
	var u1 = 0.0; // u and z of the tile whose sums are still to be written
	var z1 = 0.0;
{{- range $i := seq $loads}}
	var next_bc{{$i}} = vec4<f32>(0.0);
{{- end}}
{{- define "scan_load"}}
		{{- /* loads the tile that starts at step "first" into the next_ registers */}}
		next_d = 0.0;
		next_u = 0.0;
		if ({{if lt .Steps 8}}step < {{.Steps}}u && {{end}}first + step < params.length) {
			let row = row0 + first + step;
			next_u = u[row * params.channels + column];
			next_d = delta[row * params.channels + column];
{{- if .HasZ}}
			next_z = z[row * params.z_stride + params.off_z + column];
{{- end}}
		}
{{- $twins := mul .Steps (mul .Pairs 8)}}
{{- range $i := seq (div (add $twins 127) 128)}}
		next_bc{{$i}} = vec4<f32>(0.0);
		{
			let i = t + {{mul $i 128}}u;
			let s = i / {{mul $.Pairs 8}}u;
			let n = i % {{mul $.Pairs 8}}u / 8u * 16u + i % 8u;
			if ({{if lt $twins (mul (add $i 1) 128)}}i < {{$twins}}u && {{end}}first + s < params.length) {
				let at = (row0 + first + s) * params.bc_stride + n;
{{- if eq (mod $.States 16) 0}}
				next_bc{{$i}} = vec4<f32>(bc[at + params.off_b], bc[at + params.off_c], bc[at + 8u + params.off_b], bc[at + 8u + params.off_c]);
{{- else}}
				if (n < {{$.States}}u) {
					next_bc{{$i}}.x = bc[at + params.off_b];
					next_bc{{$i}}.y = bc[at + params.off_c];
				}
				if (n + 8u < {{$.States}}u) {
					next_bc{{$i}}.z = bc[at + 8u + params.off_b];
					next_bc{{$i}}.w = bc[at + 8u + params.off_c];
				}
{{- end}}
			}
		}
{{- end}}
{{- end}}
{{- define "scan_store"}}
		{{- /* stores the next_ registers, of the tile that starts at step "first", into
		   buffer "into" */}}
{{- $twins := mul .Steps (mul .Pairs 8)}}
		{{if lt .Steps 8}}if (step < {{.Steps}}u) { {{- else}}{ {{- end}}
			var d = 0.0;
			if (first + step < params.length) {
				d = {{if .Softplus}}softplus({{end}}next_d{{if .HasBias}} + bias{{end}}{{if .Softplus}}){{end}};
			}
			d_du[into * {{mul .Steps 16}}u + t] = vec2<f32>(d, d * next_u);
		}
{{- range $i := seq (div (add $twins 127) 128)}}
		{{if lt $twins (mul (add $i 1) 128)}}if (t + {{mul $i 128}}u < {{$twins}}u) { {{- else}}{ {{- end}}
			b_c[into * {{$twins}}u + t + {{mul $i 128}}u] = next_bc{{$i}};
		}
{{- end}}
{{- end}}
{{- define "scan_write"}}
		{{- /* sums and writes y of the tile that starts at step "done", from buffer "prior" */}}
		if (writes && done + step < params.length) {
			let at = prior * {{mul (div .Steps .Run) 144}}u + (step / {{.Run}}u * 16u + t % 16u) * 9u;
			let i = step % {{.Run}}u;
			var sum = ((parts[at][i] + parts[at + 1u][i]) + (parts[at + 2u][i] + parts[at + 3u][i]))
				+ ((parts[at + 4u][i] + parts[at + 5u][i]) + (parts[at + 6u][i] + parts[at + 7u][i]));
{{- if .HasD}}
			sum = fma(skip, u1, sum);
{{- end}}
{{- if .HasZ}}
			sum *= silu(z1);
{{- end}}
			y[(row0 + done + step) * params.channels + column] = sum;
		}
{{- end}}
	{
		let first = 0u;
		let into = 0u;
		{{template "scan_load" .}}
		{{template "scan_store" .}}
	}
	var buffer = 0u;
	for (var k = 0u; k < params.length; k += {{$steps}}u) {
		workgroupBarrier();
		if (k > 0u) {
			let done = k - {{$steps}}u;
			let prior = 1u - buffer;
			{{template "scan_write" .}}
		}
		u1 = next_u;
		z1 = next_z;
		let first = k + {{$steps}}u;
		{{template "scan_load" .}}
		let at_d = buffer * {{mul $steps 16}}u + c;
		let at_b = buffer * {{$twins}}u + lane;
		let at_y = buffer * {{mul (div $steps $run) 144}}u + c * 9u + lane;
{{- range $s := seq $steps}}
		let v{{$s}} = d_du[at_d + {{mul $s 16}}u];
		var y{{$s}} = 0.0;
{{- range $q := seq $.Pairs}}
		let p{{$s}}_{{$q}} = b_c[at_b + {{mul 8 (add (mul $s $.Pairs) $q)}}u];
		h{{mul $q 2}} = fma(exp2(v{{$s}}.x * a{{mul $q 2}}), h{{mul $q 2}}, v{{$s}}.y * p{{$s}}_{{$q}}.x);
		y{{$s}} = fma(h{{mul $q 2}}, p{{$s}}_{{$q}}.y, y{{$s}});
{{- if lt (add (mul $q 2) 1) $.PerLane}}
		h{{add (mul $q 2) 1}} = fma(exp2(v{{$s}}.x * a{{add (mul $q 2) 1}}), h{{add (mul $q 2) 1}}, v{{$s}}.y * p{{$s}}_{{$q}}.z);
		y{{$s}} = fma(h{{add (mul $q 2) 1}}, p{{$s}}_{{$q}}.w, y{{$s}});
{{- end}}
{{- end}}
{{- if eq (mod (add $s 1) $run) 0}}
		parts[at_y + {{mul (div $s $run) 144}}u] = vec{{$run}}<f32>({{range $i := seq $run}}{{if $i}}, {{end}}y{{add (sub (add $s 1) $run) $i}}{{end}});
{{- end}}
{{- end}}
		buffer = 1u - buffer;
		let into = buffer;
		{{template "scan_store" .}}
	}
	workgroupBarrier();
	{
		let done = (params.length - 1u) / {{$steps}}u * {{$steps}}u;
		let prior = 1u - buffer;
		{{template "scan_write" .}}
	}
	if (wg.x * 16u + c < params.channels) {
{{- range $j := seq .PerLane}}
		{{if lt (add (mul $j 8) 7) $.States}}{ {{- else}}if (lane + {{mul $j 8}}u < {{$.States}}u) { {{- end}}
			state[held + lane + {{mul $j 8}}u] = h{{$j}};
		}
{{- end}}
	}
}
