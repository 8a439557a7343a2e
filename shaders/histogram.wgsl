// histogram: how many tokens of each row lie how far below its best, and with
// what probability.
//
//   d_i = (max_j x'[r,j] - x'[r,i]) / temperature
//   bins[r,0,b] = number of i with b <= 32 d_i < b + 1,      b < 1024
//   bins[r,1,b] = sum over them of round(2^14 exp(b/32 - d_i))
//   best[r,2,s] = sum of exp(-d_i) over a slice
//
// Tokens with d_i >= 32 are left out: the noise of a draw spans less. Sums of
// integers do not depend on their order. bins is added to; cut clears it.
//
// In      x (rows, stride); draws (rows, 12); seen (rows, width/32); best of peaks
// Out     bins (rows, 2, 1024); best (rows, 3, slices)
// Grid    (slices, rows); 256 invocations, four elements each
// Memory  11 KiB
// Tail    elements past width take no part
// Twin    cpu/histogram.go
struct Params { rows: u32, width: u32, stride: u32, ring: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;                  // (rows, stride), the bits of f32
@group(0) @binding(2) var<storage, read> draws: array<u32>;              // (rows, 12)
@group(0) @binding(3) var<storage, read> seen: array<u32>;               // (rows, width/32)
@group(0) @binding(4) var<storage, read_write> best: array<f32>;         // (rows, 3, slices)
@group(0) @binding(5) var<storage, read_write> bins: array<atomic<u32>>; // (rows, 2, 1024)
{{template "rank"}}
{{template "logit" .}}
{{template "best_of"}}
{{template "row_best"}}
{{template "distance"}}

var<workgroup> counts: array<atomic<u32>, 1024>;
var<workgroup> masses: array<atomic<u32>, 1024>;
var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	let row = wg.y;
{{- range seq 4}}
	atomicStore(&counts[t + {{mul . 256}}u], 0u);
	atomicStore(&masses[t + {{mul . 256}}u], 0u);
{{- end}}
	row_best(t, row);
	let bad = ranks[0] == BAD;
	let peak = value(ranks[0]);
	let steepness = bitcast<f32>(draws[row * 12u + 4u]);
	var sum = 0.0;
	for (var j = 0u; j < 4u; j++) {
		let i = wg.x * 1024u + j * 256u + t;
		if (i < params.width && !bad) {
			let d = distance_below(peak, logit(row, i), steepness);
			if (d < 32.0) {
				let b = min(u32(d * 32.0), 1023u);
				atomicAdd(&counts[b], 1u);
				atomicAdd(&masses[b], u32(exp(f32(b) * 0.03125 - d) * 16384.0 + 0.5));
				sum += exp(-d);
			}
		}
	}
	sums[t] = sum;
	workgroupBarrier();
	for (var half = 128u; half > 0u; half /= 2u) {
		if (t < half) {
			sums[t] += sums[t + half];
		}
		workgroupBarrier();
	}
	if (t == 0u) {
		let slices = (params.width + 1023u) / 1024u;
		best[(row * 3u + 2u) * slices + wg.x] = sums[0];
	}
	for (var b = t; b < 1024u; b += 256u) {
		let n = atomicLoad(&counts[b]);
		if (n > 0u) {
			atomicAdd(&bins[row * 2048u + b], n);
			atomicAdd(&bins[row * 2048u + 1024u + b], atomicLoad(&masses[b]));
		}
	}
}
