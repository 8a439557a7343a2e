// modulated_scan_backward: the gradients of modulated_scan, by a walk there and one
// back. With f_t = a_t . Abar_t, the first half of a cell:
//
//   g_t  = 2 dy_t (C + c_t) + conj(f_{t+1}) g_{t+1}
//   df_t = sum_e g_t conj(h_{t-1}),  dphi_t = sum_e g_t B u_t
//   du_t = sum_n Re(g_t conj(phi_t B + b_t)) + D dy_t
//   db_t = u_t sum_n Re g_t,  dc_t = 2 dy_t sum_n Re h_t
//   dB   = sum_t Re(g_t conj(phi_t)) u_t,  dC = 2 sum_t dy_t Re h_t
//
// It goes about it as selective_scan_complex_backward does: {{.Channels}} channels x {{.Lanes}} state
// lanes at a time, {{.PerLane}} state(s) a lane, the states before chunks and before a chunk's
// steps in scratch, tiles of {{.Lanes}} steps, sums over channels in two levels.
//
// In      u (batch, length, channels); cells (batch, length, {{.States}}); s: b at off_b,
//         c at off_c of rows of stride; weights: B (channels, {{.States}}),
//         C (channels, {{.States}}), D (channels); dy (batch, length, channels); scratch: the
//         initial states (batch, channels, {{.States}}, 2){{if .Fresh}}, taken as zero{{end}}
// Out     dy: the gradient of u; ds: those of b and c, as s; scratch: at 0 that of the
//         initial states; at off_sums that of the cells, summed over the workgroup's
//         channels (grid x, batch, length, {{.States}}, 4); at off_a those of B and C (batch, 2, channels, {{.States}}); at off_rest that
//         of D (batch, channels)
// Grid    (x, batch), x workgroups share the channels; 256 invocations
// Memory  {{.Memory}} bytes
// Tail    a step past the end is the identity (f = 1, phi = u = b = dy = 0), and nothing
//         of it is written; channels past the end are the last one with u = b = dy = 0;
//         neither is written; states past {{.States}} stay 0
// Twin    cpu/modulated_scan_backward.go
struct Params {
	length: u32, channels: u32, stride: u32, off_b: u32, off_c: u32, groups: u32, steps: u32, chunks: u32,
	off_walk: u32, off_sums: u32, off_a: u32, off_rest: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;             // (batch, length, channels)
@group(0) @binding(2) var<storage, read> cells: array<vec4<f32>>;   // (batch, length, {{.States}})
@group(0) @binding(3) var<storage, read> s: array<f32>;             // (batch, length, stride)
@group(0) @binding(4) var<storage, read> weights: array<f32>;       // (channels, {{.States}}), (channels, {{.States}}), (channels)
@group(0) @binding(5) var<storage, read_write> dy: array<f32>;      // (batch, length, channels)
@group(0) @binding(6) var<storage, read_write> ds: array<f32>;      // (batch, length, stride)
@group(0) @binding(7) var<storage, read_write> scratch: array<f32>; // as Out says
{{template "complex_mul"}}

// inputs holds, for [step][channel], u, b u, 2 dy and 2 dy c of a tile.
var<workgroup> inputs: array<vec4<f32>, 256>;
{{template "back_memory" .}}

// The cell of state n at a step of the sequence that starts at row0.
fn cell(row0: u32, step: u32, last: u32, n: u32) -> vec4<f32> {
	return select(vec4<f32>(1.0, 0.0, 0.0, 0.0), cells[(row0 + min(step, last)) * {{.States}}u + n], step <= last);
}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) grid: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	{{template "back_places" .}}
	let planes = params.channels * {{.States}}u;
	for (var group = wg.x; group < params.groups; group += grid.x) {
		// As a computing lane.
		let channel = min(group * {{.Channels}}u + c, params.channels - 1u);
		let lives = group * {{.Channels}}u + c < params.channels;
		let held = (wg.y * params.channels + channel) * {{mul .States 2}}u + lane * 2u;
		let mine = channel * {{.States}}u + lane;
{{- range $j := seq .PerLane}}
		var h{{$j}} = vec2<f32>(0.0);
		var g{{$j}} = vec2<f32>(0.0);
		var wb{{$j}} = 0.0;
		var wc{{$j}} = 0.0;
		var db{{$j}} = 0.0;
		var dc{{$j}} = 0.0;
		{{$.IfState $j}}{
			wb{{$j}} = weights[mine + {{$.State $j}}u];
			wc{{$j}} = weights[planes + mine + {{$.State $j}}u];
{{- if not $.Fresh}}
			h{{$j}} = vec2<f32>(scratch[held + {{$.Pair $j}}u], scratch[held + {{$.Pair $j}}u + 1u]);
{{- end}}
		}
{{- end}}

		// As an owner of a step and a channel.
		let column = min(group * {{.Channels}}u + owned, params.channels - 1u);
		let writes = group * {{.Channels}}u + owned < params.channels;
		let skip = weights[2u * planes + column];
		var dskip = 0.0;
		{{- template "back_walk" .}}

		// The weights' and the initial state's gradients.
		if (lives) {
			let at = params.off_a + wg.y * 2u * planes + mine;
{{- range $j := seq .PerLane}}
			{{$.IfState $j}}{
				scratch[at + {{$.State $j}}u] = db{{$j}};
				scratch[at + planes + {{$.State $j}}u] = dc{{$j}};
				scratch[held + {{$.Pair $j}}u] = g{{$j}}.x;
				scratch[held + {{$.Pair $j}}u + 1u] = g{{$j}}.y;
			}
{{- end}}
		}
		across[t] = dskip;
		workgroupBarrier();
		if (t < {{.Channels}}u && writes) {
			var sum = 0.0;
			for (var i = t; i < 256u; i += {{.Channels}}u) {
				sum += across[i];
			}
			scratch[params.off_rest + wg.y * params.channels + column] = sum;
		}
		workgroupBarrier();
	}
	{{template "back_flush" .}}
}
{{- /* Walks chunk k there, with the states before its steps kept if it is taped. */}}
{{- define "modulated_there"}}
			for (var first = k * params.steps; first < min((k + 1u) * params.steps, length); first += {{.Lanes}}u) {
				{
					let row = row0 + min(first + turned, last);
					let x = select(0.0, u[row * params.channels + column], first + turned <= last && writes);
					inputs[t] = vec4<f32>(x, x * s[row * params.stride + params.off_b + column], 0.0, 0.0);
				}
				workgroupBarrier();
				for (var i = 0u; i < {{.Lanes}}u; i++) {
					let x = inputs[i * {{.Channels}}u + c];
{{- if .Tape}}
					let tape = taped + (first - k * params.steps + i) * {{.Walk}}u;
{{- end}}
{{- range $j := seq .PerLane}}
					{{$.IfState $j}}{
{{- if $.Tape}}
						scratch[tape + {{mul $j 512}}u] = h{{$j}}.x;
						scratch[tape + {{mul $j 512}}u + 1u] = h{{$j}}.y;
{{- end}}
						let v = cell(row0, first + i, last, lane + {{$.State $j}}u);
						h{{$j}} = complex_mul(v.xy, h{{$j}}) + wb{{$j}} * x.x * v.zw + vec2<f32>(x.y, 0.0);
					}
{{- end}}
				}
				workgroupBarrier();
			}
{{- end}}
{{- /* Walks the tile that starts at step first of chunk k back. */}}
{{- define "modulated_back"}}
				let own = first + turned;
				let at = (row0 + min(own, last)) * params.channels + column;
				let at_s = (row0 + min(own, last)) * params.stride + column;
				let inside = own <= last && writes;
				let own_u = select(0.0, u[at], inside);
				let own_b = s[at_s + params.off_b];
				let own_dy = select(0.0, dy[at], inside);
				inputs[t] = vec4<f32>(own_u, own_b * own_u, 2.0 * own_dy, 2.0 * own_dy * s[at_s + params.off_c]);
				workgroupBarrier();
				for (var left = {{.Lanes}}u; left > 0u; left--) {
					let i = left - 1u;
					let x = inputs[i * {{.Channels}}u + c];
					let tape = taped + (first - k * params.steps + i) * {{.Walk}}u;
					var held_g = 0.0; // the lane's parts of sum B Re(g conj(phi)), sum Re g and sum Re h
					var sum_g = 0.0;
					var sum_h = 0.0;
{{- range $r := seq .Rounds}}
{{- range $i := seq $.Together}}{{$j := add (mul $r $.Together) $i}}
					var p{{$j}} = vec4<f32>(0.0);
					{{$.IfState $j}}{
						let v = cell(row0, first + i, last, lane + {{$.State $j}}u);
						let before = vec2<f32>(scratch[tape + {{mul $j 512}}u], scratch[tape + {{mul $j 512}}u + 1u]);
						let g = g{{$j}} + vec2<f32>(fma(x.z, wc{{$j}}, x.w), 0.0);
						let gp = dot(g, v.zw);
						p{{$j}} = vec4<f32>(complex_mul(g, vec2<f32>(before.x, -before.y)), wb{{$j}} * x.x * g);
						held_g = fma(gp, wb{{$j}}, held_g);
						sum_g += g.x;
						sum_h += h{{$j}}.x;
						db{{$j}} = fma(gp, x.x, db{{$j}});
						dc{{$j}} = fma(x.z, h{{$j}}.x, dc{{$j}});
						g{{$j}} = complex_mul(vec2<f32>(v.x, -v.y), g);
						h{{$j}} = before;
					}
					{{template "back_put" $.At $j}}
{{- end}}
{{- if eq (add $r 1) $.Rounds}}
					across[t] = held_g;
					across[t + 256u] = sum_g;
					across[t + 512u] = sum_h;
{{- end}}
					{{template "back_flush" $}}
					workgroupBarrier();
					{
						{{template "back_level" $.At $r}}
					}
{{- if eq (add $r 1) $.Rounds}}
					if (turned == i) {
						{{template "back_lanes" $}}
						if (inside) {
							dy[at] = fma(skip, own_dy, fma(own_b, sum.y, sum.x));
							ds[at_s + params.off_b] = own_u * sum.y;
							ds[at_s + params.off_c] = 2.0 * own_dy * sum.z;
							dskip = fma(own_dy, own_u, dskip);
						}
					}
{{- end}}
					workgroupBarrier();
{{- end}}
				}
{{- end}}
