// discretize_backward: the gradients of discretize, given those of the cells, df of
// m_t Abar_t and dphi of phi_t.
//
{{- if .Modulated}}
//   dm_t[n]  = Re(df_t[n] conj(Abar_t[n])) m (1 - m)
{{- end}}
//   ddelta_t = sum_n Re(m_t df_t conj(A Abar_t) + dphi_t conj(Abar_t)){{if .Softplus}} sigmoid(s_t[off_delta]){{end}}
//   dA[n]    = sum_t m_t df_t conj(delta_t Abar_t) + dphi_t conj((delta_t Abar_t - phi_t)/A)
{{- if .Log}}
//   and that of log(-Re A), Re dA Re A
{{- end}}
//
// A workgroup takes 64 rows, 16 rows x 16 states at a time.
//
// In      s (rows, stride); a: A, {{if .Log}}log(-re) (states), im (states){{else}}(states): re, im{{end}};
//         dcells (rows, states): df, dphi
// Out     ds, as s; parts (ceil(rows/64), as a): of a, summed over the workgroup's rows
// Grid    ceil(rows/64), spread over x and y; 256 invocations
// Memory  2048 bytes
// Tail    rows and states past the end repeat the last one, add nothing and are not written
// Twin    cpu/discretize_backward.go
struct Params { rows: u32, states: u32, stride: u32, off_delta: u32, off_mod: u32, groups: u32, pad0: u32, pad1: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> s: array<f32>;                 // (rows, stride)
{{- if .Log}}
@group(0) @binding(2) var<storage, read> a: array<f32>;                 // (states), (states)
{{- else}}
@group(0) @binding(2) var<storage, read> a: array<vec2<f32>>;           // (states)
{{- end}}
@group(0) @binding(3) var<storage, read> dcells: array<vec4<f32>>;      // (rows, states)
@group(0) @binding(4) var<storage, read_write> ds: array<f32>;          // (rows, stride)
@group(0) @binding(5) var<storage, read_write> parts: array<f32>;       // (groups, as a)
{{- if .Softplus}}
{{template "softplus"}}
{{- end}}
{{template "turn"}}
{{template "complex_mul"}}
{{template "hold"}}

var<workgroup> sums: array<vec2<f32>, 256>; // (16 rows, 16 states)

// The derivative of phi = (exp(z) - 1)/a by a, z = delta a, is (delta exp(z) - phi)/a.
// Below |z| = 1, where that loses digits, it is delta^2 times the series of z^k
// (k+1)/(k+2)!, right to 2e-9.
fn hold_slope(delta: f32, a: vec2<f32>, cell: vec4<f32>) -> vec2<f32> {
	let z = delta * a;
	if (dot(z, z) >= 1.0) {
		return complex_mul(delta * cell.xy - cell.zw, vec2<f32>(a.x, -a.y)) / dot(a, a);
	}
	var sum = vec2<f32>(2.2964433e-8, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(2.5052108e-7, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(2.4801587e-6, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(2.2045855e-5, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(1.7361111e-4, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(1.1904762e-3, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(6.9444444e-3, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(0.033333333, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(0.125, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(0.33333333, 0.0);
	sum = complex_mul(z, sum) + vec2<f32>(0.5, 0.0);
	return delta * delta * sum;
}

fn conj(x: vec2<f32>) -> vec2<f32> {
	return vec2<f32>(x.x, -x.y);
}

@compute @workgroup_size(256)
fn main(
	@builtin(workgroup_id) wg: vec3<u32>,
	@builtin(num_workgroups) grid: vec3<u32>,
	@builtin(local_invocation_index) t: u32,
) {
	let group = wg.y * grid.x + wg.x;
	if (group >= params.groups) {
		return;
	}
	let r = t / 16u;
	let j = t % 16u;
{{- range $i := seq 4}}
	let row{{$i}} = min(group * 64u + {{mul $i 16}}u + r, params.rows - 1u);
	let raw{{$i}} = s[row{{$i}} * params.stride + params.off_delta];
	let delta{{$i}} = {{if $.Softplus}}softplus(raw{{$i}}){{else}}raw{{$i}}{{end}};
	var ddelta{{$i}} = 0.0;
{{- end}}
	for (var first = 0u; first < params.states; first += 16u) {
		let n = min(first + j, params.states - 1u);
		let an = {{if .Log}}vec2<f32>(-exp_parts(a[n]).x, a[params.states + n]){{else}}a[n]{{end}};
		var da = vec2<f32>(0.0);
{{- range $i := seq 4}}
		if (group * 64u + {{mul $i 16}}u + r < params.rows && first + j < params.states) {
			let cell = hold(delta{{$i}}, an);
			let d = dcells[row{{$i}} * params.states + n];
			var q = complex_mul(d.xy, conj(cell.xy));
{{- if $.Modulated}}
			let at = row{{$i}} * params.stride + params.off_mod + n;
			let m = 1.0 / (1.0 + exp(-s[at]));
			ds[at] = q.x * m * (1.0 - m);
			q *= m;
{{- end}}
			ddelta{{$i}} += dot(q, an) + dot(d.zw, cell.xy);
			da += delta{{$i}} * q + complex_mul(d.zw, conj(hold_slope(delta{{$i}}, an, cell)));
		}
{{- end}}
		sums[t] = da;
		workgroupBarrier();
		if (r == 0u && first + j < params.states) {
			var sum = vec2<f32>(0.0);
			for (var i = j; i < 256u; i += 16u) {
				sum += sums[i];
			}
			let at = group * 2u * params.states;
{{- if .Log}}
			parts[at + n] = sum.x * an.x;
			parts[at + params.states + n] = sum.y;
{{- else}}
			parts[at + 2u * n] = sum.x;
			parts[at + 2u * n + 1u] = sum.y;
{{- end}}
		}
		workgroupBarrier();
	}

	// The sums over the states, of two blocks of rows at a time.
{{- range $i := list 0 2}}
	sums[t] = vec2<f32>(ddelta{{$i}}, ddelta{{add $i 1}});
	workgroupBarrier();
	if (j == 0u) {
		var sum = vec2<f32>(0.0);
		for (var i = t; i < t + 16u; i++) {
			sum += sums[i];
		}
		if (group * 64u + {{mul $i 16}}u + r < params.rows) {
			ds[row{{$i}} * params.stride + params.off_delta] = sum.x{{if $.Softplus}} / (1.0 + exp(-raw{{$i}})){{end}};
		}
		if (group * 64u + {{mul (add $i 1) 16}}u + r < params.rows) {
			ds[row{{add $i 1}} * params.stride + params.off_delta] = sum.y{{if $.Softplus}} / (1.0 + exp(-raw{{add $i 1}})){{end}};
		}
	}
	workgroupBarrier();
{{- end}}
}
