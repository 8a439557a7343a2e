// draw: a token of each row, drawn among the most probable: the first top_k by
// falling logit, of those the first whose probability reaches top_p, of those the
// ones with d_i <= reach; of equals the smallest ids.
//
//   id = argmax_i noise_i - d_i,  d_i = (max_j x'[r,j] - x'[r,i]) / temperature
//   ids[r] = chosen[place % ring, r] = id;  seen[r] gets id;  place + 1
//
// The bins tell how far down the best tokens reach that may be needed. Those go
// into a list, and the last one to keep is found in it digit by digit of (rank,
// ~id), by number for top_k, by probability for top_p: as integers of unit
// total/2^30, whose sums do not depend on their order. A row with a slice at place
// width gives width.
//
// In      x (rows, stride); best (rows, 3, slices), of peaks and histogram
// Out     draws (rows, 12); seen (rows, width/32); bins (rows, 2, 1024), cleared;
//         list (rows, width), scratch; chosen (ring, rows); ids (rows)
// Grid    one workgroup a row; 256 invocations
// Memory  6 KiB
// Tail    elements past width take no part
// Twin    cpu/draw.go
struct Params { rows: u32, width: u32, stride: u32, ring: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;            // (rows, stride), the bits of f32
@group(0) @binding(2) var<storage, read> best: array<f32>;         // (rows, 3, slices)
@group(0) @binding(3) var<storage, read_write> seen: array<u32>;   // (rows, width/32)
@group(0) @binding(4) var<storage, read_write> draws: array<u32>;  // (rows, 12)
@group(0) @binding(5) var<storage, read_write> bins: array<u32>;   // (rows, 2, 1024)
@group(0) @binding(6) var<storage, read_write> list: array<u32>;   // (rows, width)
@group(0) @binding(7) var<storage, read_write> chosen: array<u32>; // (ring, rows)
@group(0) @binding(8) var<storage, read_write> ids: array<u32>;    // (rows)
{{template "rank"}}
{{template "logit" .}}
{{template "best_of"}}
{{template "row_best"}}
{{template "noise"}}
{{template "take" .}}

const NO_BIN = 1024u;

var<workgroup> number: array<atomic<u32>, 256>;
var<workgroup> weight: array<atomic<u32>, 256>;
var<workgroup> counts: array<u32, 256>;
var<workgroup> sums: array<f32, 256>;
var<workgroup> listed: atomic<u32>;
var<workgroup> total_weight: atomic<u32>;
var<workgroup> deepest: atomic<u32>;
var<workgroup> shared_word: u32;
var<workgroup> found: vec4<u32>;  // digit, weight above it, number of its candidates

var<private> row: u32;
var<private> peak: f32;
var<private> steepness: f32;
var<private> scale: f32;          // 2^30 over the row's sum of exp(-d)

fn share(t: u32, word: u32) -> u32 {
	if (t == 0u) {
		shared_word = word;
	}
	return workgroupUniformLoad(&shared_word);
}

// scan_counts and scan_sums replace each element by the sum of those up to it.
fn scan_counts(t: u32) {
	for (var step = 1u; step < 256u; step *= 2u) {
		workgroupBarrier();
		let before = select(0u, counts[max(t, step) - step], t >= step);
		workgroupBarrier();
		counts[t] += before;
	}
	workgroupBarrier();
}

fn scan_sums(t: u32) {
	for (var step = 1u; step < 256u; step *= 2u) {
		workgroupBarrier();
		let before = select(0.0, sums[max(t, step) - step], t >= step);
		workgroupBarrier();
		sums[t] += before;
	}
	workgroupBarrier();
}

// order is greater for what comes first.
fn order(i: u32) -> vec2<u32> {
	return vec2<u32>(rank(logit(row, i)), ~i);
}

fn at_least(a: vec2<u32>, b: vec2<u32>) -> bool {
	return a.x > b.x || (a.x == b.x && a.y >= b.y);
}

fn mass(i: u32) -> u32 {
	return u32(exp(-distance_below(peak, logit(row, i), steepness)) * scale + 0.5);
}

// deepest_bin is the first bin that top_k or top_p cannot reach past: by number
// exactly, by probability with what rounding may have lost to spare.
fn deepest_bin(t: u32, total: f32, top_k: u32, top_p: f32) -> u32 {
	var own = vec4<u32>();
	var own_mass = vec4<f32>();
	for (var j = 0u; j < 4u; j++) {
		let at = row * 2048u + 4u * t + j;
		own[j] = bins[at];
		own_mass[j] = f32(bins[at + 1024u]) * 6.1035156e-5 * exp(-f32(4u * t + j) * 0.03125);
		bins[at] = 0u;
		bins[at + 1024u] = 0u;
	}
	counts[t] = own.x + own.y + own.z + own.w;
	sums[t] = own_mass.x + own_mass.y + own_mass.z + own_mass.w;
	scan_counts(t);
	scan_sums(t);
	let enough = select(3.4028235e38, top_p * total * 1.001, top_p < 1.0);
	var n = counts[t] - (own.x + own.y + own.z + own.w);
	var m = select(0.0, sums[max(t, 1u) - 1u], t > 0u);
	for (var j = 0u; j < 4u; j++) {
		n += own[j];
		m += own_mass[j];
		if ((top_k > 0u && n >= top_k) || m >= enough) {
			atomicMin(&deepest, 4u * t + j);
		}
	}
	workgroupBarrier();
	return share(t, atomicLoad(&deepest));
}

// gather lists the tokens of the bins up to last, in any order, and returns
// their number.
fn gather(t: u32, last: u32) -> u32 {
	for (var first = t; first < params.width; first += 4096u) {
{{- range seq 16}}
		let v{{.}} = logit(row, min(first + {{mul . 256}}u, params.width - 1u));
{{- end}}
{{- range seq 16}}
		consider(first + {{mul . 256}}u, v{{.}}, last);
{{- end}}
	}
	storageBarrier();
	workgroupBarrier();
	return share(t, atomicLoad(&listed));
}

fn consider(i: u32, v: f32, last: u32) {
	let d = distance_below(peak, v, steepness);
	if (i < params.width && d < 32.0 && min(u32(d * 32.0), 1023u) <= last) {
		list[row * params.width + atomicAdd(&listed, 1u)] = i;
	}
}

// cut is the order of the first listed token, among those of at least floor, with
// which their number or, by_mass, their mass reaches goal. Each round fixes
// eight bits of it; one of a single token needs no more.
fn cut(t: u32, n: u32, least: vec2<u32>, goal: u32, by_mass: bool) -> vec2<u32> {
	var prefix = vec2<u32>();
	var mask = vec2<u32>();
	var above = 0u;
	for (var round = 0u; round < 8u; round++) {
		let shift = 24u - 8u * (round % 4u);
		atomicStore(&number[t], 0u);
		atomicStore(&weight[t], 0u);
		workgroupBarrier();
		for (var k = t; k < n; k += 256u) {
			let i = list[row * params.width + k];
			let o = order(i);
			if (all((o & mask) == prefix) && at_least(o, least)) {
				let digit = 255u - ((select(o.y, o.x, round < 4u) >> shift) & 255u);
				atomicAdd(&number[digit], 1u);
				atomicAdd(&weight[digit], select(1u, mass(i), by_mass));
			}
		}
		workgroupBarrier();
		counts[t] = atomicLoad(&weight[t]);
		scan_counts(t);
		let before = above + select(0u, counts[max(t, 1u) - 1u], t > 0u);
		if (before < goal && above + counts[t] >= goal) {
			found = vec4<u32>(255u - t, before, atomicLoad(&number[t]), 0u);
		}
		let f = workgroupUniformLoad(&found);
		above = f.y;
		if (round < 4u) {
			prefix.x |= f.x << shift;
			mask.x |= 255u << shift;
		} else {
			prefix.y |= f.x << shift;
			mask.y |= 255u << shift;
		}
		if (f.z == 1u) {
			break;
		}
	}
	return prefix;
}

// kept_mass is the sum of the masses of listed tokens of at least an order.
fn kept_mass(t: u32, n: u32, least: vec2<u32>) -> u32 {
	for (var k = t; k < n; k += 256u) {
		let i = list[row * params.width + k];
		if (at_least(order(i), least)) {
			atomicAdd(&total_weight, mass(i));
		}
	}
	workgroupBarrier();
	return share(t, atomicLoad(&total_weight));
}

// survivors is the order of the last token that top_k and top_p keep.
fn survivors(t: u32, n: u32, top_k: u32, top_p: f32) -> vec2<u32> {
	var least = vec2<u32>();
	if (top_k > 0u && top_k < n) {
		least = cut(t, n, least, top_k, false);
	}
	if (top_p < 1.0) {
		let kept = kept_mass(t, n, least);
		let all_mass = select(1073741824.0, f32(kept), top_k > 0u);
		least = cut(t, n, least, clamp(u32(ceil(top_p * all_mass)), 1u, kept), true);
	}
	return least;
}

fn pick(t: u32, n: u32, least: vec2<u32>, reach: f32) {
	let key = noise_key(row);
	var top = 0u;
	var place = params.width;
	for (var k = t; k < n; k += 256u) {
		let i = list[row * params.width + k];
		let v = logit(row, i);
		let d = distance_below(peak, v, steepness);
		if (d <= reach && at_least(vec2<u32>(rank(v), ~i), least)) {
			let r = rank(noise(key, i) - d);
			if (r > top || (r == top && i < place)) {
				top = r;
				place = i;
			}
		}
	}
	best_of(t, top, place);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	row = wg.x;
	if (t == 0u) {
		atomicStore(&listed, 0u);
		atomicStore(&total_weight, 0u);
		atomicStore(&deepest, NO_BIN);
	}
	let slices = (params.width + 1023u) / 1024u;
	var sum = 0.0;
	for (var s = t; s < slices; s += 256u) {
		sum += best[(row * 3u + 2u) * slices + s];
	}
	sums[t] = sum;
	scan_sums(t);
	let total = max(sums[255], 1.0);
	row_best(t, row);
	let bad = share(t, u32(ranks[0] == BAD)) == 1u;
	peak = value(ranks[0]);
	scale = 1073741824.0 / total;
	steepness = bitcast<f32>(draws[row * 12u + 4u]);
	let top_k = share(t, draws[row * 12u + 3u]);
	let top_p = bitcast<f32>(share(t, draws[row * 12u + 5u]));
	let reach = bitcast<f32>(draws[row * 12u + 6u]);
	if (!bad) {
		let n = gather(t, deepest_bin(t, total, top_k, top_p));
		let least = survivors(t, n, top_k, top_p);
		pick(t, n, least, reach);
	}
	if (t == 0u) {
		take(row, select(places[0], params.width, bad));
	}
}
