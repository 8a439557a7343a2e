// selective_scan_complex_backward: the gradients of selective_scan_complex, by a
// walk there and one back.
//
//   g_t  = 2 e_t conj(C_t) + conj(f_{t+1}) g_{t+1},  e_t = dy_t{{if .HasZ}} silu(z_t){{end}},  f_t = exp(d_t A)
//   dB_t = sum_e g_t d_t u_t,  dC_t = 2 sum_e e_t conj(h_t)
//   du_t = sum_n Re(g_t conj(d_t B_t)) + D e_t
//   dd_t = sum_n Re(g_t conj(A f_t h_{t-1} + u_t B_t))
{{- if .HasZ}}
//   dz_t = dy_t y'_t silu'(z_t),  y'_t = 2 Re sum_n h_t C_t + D u_t
{{- end}}
//   dA   = sum_t g_t conj(d_t f_t h_{t-1})
//
// A workgroup owns {{.Channels}} channels x {{.Lanes}} state lanes at a time; a lane keeps {{.PerLane}} state(s)
// of its channel in registers. It walks the chunks of time there and keeps the
// state before each; then, from the last chunk to the first, it walks the chunk
// there, keeping the states before its steps, and back. Both lie in scratch, each
// word written and read by one invocation. What a tile of {{.Lanes}} steps needs of a
// channel is loaded, once for all states, by the invocation that also sums and
// writes what a step gives for it. Sums over channels go through workgroup memory
// in two levels, the second while the next step is computed.
//
// In      u (batch, length, channels); bc: B at off_b, C at off_c of rows of
//         bc_stride, {{.States}} times re, im each;
//         weights: A {{if .SharedA}}({{.States}}, 2){{else}}(channels, {{.States}}, 2){{end}}, D (channels), bias (channels);
//         z at off_z of rows of z_stride; delta, dy (batch, length, channels);
//         scratch: the initial states (batch, channels, {{.States}}, 2){{if .Fresh}}, taken as zero{{end}}
// Out     delta, dy: the gradients of delta and u; dz, as z; scratch: at 0 the
//         gradient of the initial states; at off_sums those of B and C, summed over
//         the workgroup's channels (grid x, batch, length, {{.Columns}}); at off_a that of
//         A (batch, channels, {{.States}}, 2); at off_rest those of D and bias (batch, ., channels)
// Grid    (x, batch), x workgroups share the channels; 256 invocations
// Memory  {{.Memory}} bytes
// Tail    a step past the end is the identity (d = e = 0), and nothing of it is written;
//         channels past the end are the last one with d = e = 0; neither is
//         written; states past {{.States}} stay 0
// Twin    cpu/selective_scan_complex_backward.go
struct Params {
	length: u32, channels: u32, bc_stride: u32, off_b: u32, off_c: u32, z_stride: u32, off_z: u32, groups: u32,
	steps: u32, chunks: u32, off_walk: u32, off_sums: u32, off_a: u32, off_rest: u32, pad0: u32, pad1: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;             // (batch, length, channels)
@group(0) @binding(2) var<storage, read> bc: array<f32>;            // (batch, length, bc_stride)
@group(0) @binding(3) var<storage, read> weights: array<f32>;       // {{if .SharedA}}({{.States}}, 2){{else}}(channels, {{.States}}, 2){{end}}, (channels), (channels)
@group(0) @binding(4) var<storage, read_write> delta: array<f32>;   // (batch, length, channels)
@group(0) @binding(5) var<storage, read_write> dy: array<f32>;      // (batch, length, channels)
@group(0) @binding(6) var<storage, read_write> scratch: array<f32>; // as Out says
{{- if .HasZ}}
@group(0) @binding(7) var<storage, read> z: array<f32>;             // (batch, length, z_stride)
@group(0) @binding(8) var<storage, read_write> dz: array<f32>;      // (batch, length, z_stride)
{{- end}}
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{template "turn"}}
{{template "complex_mul"}}
{{template "complex_cell"}}

// ds, us and es hold, for [step][channel], d, u and 2 e of a tile.
var<workgroup> ds: array<f32, 256>;
var<workgroup> us: array<f32, 256>;
var<workgroup> es: array<f32, 256>;
{{template "back_memory" .}}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) grid: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	{{template "back_places" .}}
	for (var group = wg.x; group < params.groups; group += grid.x) {
		// As a computing lane: exp(d A) is exp2(d Re A log2(e)) turned by d Im A, in
		// quarter turns.
		let channel = min(group * {{.Channels}}u + c, params.channels - 1u);
		let lives = group * {{.Channels}}u + c < params.channels;
		let held = (wg.y * params.channels + channel) * {{mul .States 2}}u + lane * 2u;
		let mine = {{if not .SharedA}}channel * {{mul .States 2}}u + {{end}}lane * 2u;
{{- range $j := seq .PerLane}}
		var h{{$j}} = vec2<f32>(0.0);
		var g{{$j}} = vec2<f32>(0.0);
		var a{{$j}} = vec2<f32>(0.0);
		var w{{$j}} = vec2<f32>(0.0);
		var da{{$j}} = vec2<f32>(0.0);
		{{$.IfState $j}}{
			a{{$j}} = vec2<f32>(weights[mine + {{$.Pair $j}}u], weights[mine + {{$.Pair $j}}u + 1u]);
			w{{$j}} = quarters(a{{$j}}.y);
{{- if not $.Fresh}}
			h{{$j}} = vec2<f32>(scratch[held + {{$.Pair $j}}u], scratch[held + {{$.Pair $j}}u + 1u]);
{{- end}}
		}
{{- end}}

		// As an owner of a step and a channel.
		let column = min(group * {{.Channels}}u + owned, params.channels - 1u);
		let writes = group * {{.Channels}}u + owned < params.channels;
		let after_a = {{if .SharedA}}{{mul .States 2}}u{{else}}params.channels * {{mul .States 2}}u{{end}} + column;
		let skip = {{if .HasD}}weights[after_a]{{else}}0.0{{end}};
		let bias = {{if .HasBias}}weights[after_a{{if .HasD}} + params.channels{{end}}]{{else}}0.0{{end}};
		var dskip = 0.0;
		var dbias = 0.0;
		{{- template "back_walk" .}}

		// The weights' and the initial state's gradients.
		if (lives) {
			let at = params.off_a + held;
{{- range $j := seq .PerLane}}
			{{$.IfState $j}}{
				scratch[at + {{$.Pair $j}}u] = da{{$j}}.x;
				scratch[at + {{$.Pair $j}}u + 1u] = da{{$j}}.y;
				scratch[held + {{$.Pair $j}}u] = g{{$j}}.x;
				scratch[held + {{$.Pair $j}}u + 1u] = g{{$j}}.y;
			}
{{- end}}
		}
{{- if or .HasD .HasBias}}
		across[t] = dskip;
		across[t + 256u] = dbias;
		workgroupBarrier();
		if (t < {{.Channels}}u && writes) {
			var sum = vec2<f32>(0.0);
			for (var i = t; i < 256u; i += {{.Channels}}u) {
				sum += vec2<f32>(across[i], across[i + 256u]);
			}
			let at = params.off_rest + wg.y * params.channels * {{if and .HasD .HasBias}}2u{{else}}1u{{end}} + column;
{{- if .HasD}}
			scratch[at] = sum.x;
{{- end}}
{{- if .HasBias}}
			scratch[at{{if .HasD}} + params.channels{{end}}] = sum.y;
{{- end}}
		}
		workgroupBarrier();
{{- end}}
	}
	{{template "back_flush" .}}
}
{{- /* Walks chunk k there, with the states before its steps kept if it is taped. */}}
{{- define "complex_there"}}
			for (var first = k * params.steps; first < min((k + 1u) * params.steps, length); first += {{.Lanes}}u) {
				{
					let row = row0 + min(first + turned, last);
					let d = delta[row * params.channels + column] + bias;
					ds[t] = select(0.0, {{if .Softplus}}softplus(d){{else}}d{{end}}, first + turned <= last && writes);
					us[t] = u[row * params.channels + column];
				}
				workgroupBarrier();
				for (var i = 0u; i < {{.Lanes}}u; i++) {
					let d = ds[i * {{.Channels}}u + c];
					let du = d * us[i * {{.Channels}}u + c];
					let both = split(d);
					let at = (row0 + min(first + i, last)) * params.bc_stride;
{{- if .Tape}}
					let tape = taped + (first - k * params.steps + i) * {{.Walk}}u;
{{- end}}
{{- range $j := seq .PerLane}}
					{{$.IfState $j}}{
{{- if $.Tape}}
						scratch[tape + {{mul $j 512}}u] = h{{$j}}.x;
						scratch[tape + {{mul $j 512}}u + 1u] = h{{$j}}.y;
{{- end}}
						let e = exp2(d * a{{$j}}.x * 1.442695041) * turn(both, w{{$j}});
						let b = at + params.off_b + lane * 2u + {{$.Pair $j}}u;
						h{{$j}} = complex_mul(e, h{{$j}}) + du * vec2<f32>(bc[b], bc[b + 1u]);
					}
{{- end}}
				}
				workgroupBarrier();
			}
{{- end}}
{{- /* Walks the tile that starts at step first of chunk k back. */}}
{{- define "complex_back"}}
				let own = first + turned;
				let at = (row0 + min(own, last)) * params.channels + column;
				let inside = own <= last && writes;
				let own_u = u[at];
				let raw = delta[at] + bias;
				let own_d = select(0.0, {{if .Softplus}}softplus(raw){{else}}raw{{end}}, inside);
				let own_dy = select(0.0, dy[at], inside);
{{- if .HasZ}}
				let at_z = (row0 + min(own, last)) * params.z_stride + params.off_z + column;
				let gate = 1.0 / (1.0 + exp(-z[at_z]));
				let own_e = own_dy * z[at_z] * gate;
{{- else}}
				let own_e = own_dy;
{{- end}}
				ds[t] = own_d;
				us[t] = own_u;
				es[t] = 2.0 * own_e;
				workgroupBarrier();
				for (var left = {{.Lanes}}u; left > 0u; left--) {
					let i = left - 1u;
					let d = ds[i * {{.Channels}}u + c];
					let x = us[i * {{.Channels}}u + c];
					let e = es[i * {{.Channels}}u + c];
					let both = split(d);
					let row = (row0 + min(first + i, last)) * params.bc_stride;
					let tape = taped + (first - k * params.steps + i) * {{.Walk}}u;
					var gb = 0.0; // the lane's parts of sum Re(g conj(B)), sum Re(g conj(A f h)) and sum Re(h C)
					var ga = 0.0;
					var hc = 0.0;
{{- range $r := seq .Rounds}}
{{- range $i := seq $.Together}}{{$j := add (mul $r $.Together) $i}}
					var p{{$j}} = vec4<f32>(0.0);
					{{$.IfState $j}}{
						let v = cell(row, lane + {{$.State $j}}u);
						let f = exp2(d * a{{$j}}.x * 1.442695041) * turn(both, w{{$j}});
						let before = vec2<f32>(scratch[tape + {{mul $j 512}}u], scratch[tape + {{mul $j 512}}u + 1u]);
						let g = g{{$j}} + e * vec2<f32>(v.z, -v.w);
						let fh = complex_mul(f, before);
						let q = complex_mul(g, vec2<f32>(fh.x, -fh.y));
						p{{$j}} = vec4<f32>(d * x * g, e * h{{$j}}.x, -e * h{{$j}}.y);
						gb += dot(g, v.xy);
						ga += dot(q, a{{$j}});
						hc += h{{$j}}.x * v.z - h{{$j}}.y * v.w;
						da{{$j}} += d * q;
						g{{$j}} = complex_mul(vec2<f32>(f.x, -f.y), g);
						h{{$j}} = before;
					}
					{{template "back_put" $.At $j}}
{{- end}}
{{- if eq (add $r 1) $.Rounds}}
					across[t] = gb;
					across[t + 256u] = ga;
					across[t + 512u] = hc;
{{- end}}
					{{template "back_flush" $}}
					workgroupBarrier();
					{
						{{template "back_level" $.At $r}}
					}
{{- if eq (add $r 1) $.Rounds}}
					if (turned == i) {
						{{template "back_lanes" $}}
						var dd = fma(own_u, sum.x, sum.y);
{{- if $.Softplus}}
						dd /= 1.0 + exp(-raw);
{{- end}}
						if (inside) {
							delta[at] = dd;
							dy[at] = fma(own_d, sum.x, skip * own_e);
{{- if $.HasZ}}
							let y = fma(2.0, sum.z, skip * own_u);
							dz[at_z] = own_dy * y * gate * fma(z[at_z], 1.0 - gate, 1.0);
{{- end}}
							dskip = fma(own_e, own_u, dskip);
							dbias += dd;
						}
					}
{{- end}}
					workgroupBarrier();
{{- end}}
				}
{{- end}}
