// cut: the last token of each row that may be drawn: of the first top_k by falling
// logit those that come first until their probability reaches top_p; of equals the
// smallest ids come first.
//
//   order_i = (rank(x'[r,i]), ~i);  draws[r,9..10] = order of that token
//
// or zeros where all may be drawn. The bins tell in which of them a cut lies. Its
// tokens go into a list, and the place is found there digit by digit of order: by
// number for top_k, for top_p by probability in integers of unit sum/2^30, sum being
// that of exp(-d_i). Sums of integers do not depend on their order. A row with
// logits that are not finite gives zeros.
//
// In      x (rows, stride); best (rows, 3, slices), of peaks and histogram; seen
// Out     draws (rows, 12); bins (rows, 2, 1024), cleared; list (rows, width), scratch
// Grid    one workgroup a row; 256 invocations
// Memory  6 KiB
// Tail    elements past width take no part
// Twin    cpu/cut.go
struct Params { rows: u32, width: u32, stride: u32, ring: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;           // (rows, stride), the bits of f32
@group(0) @binding(2) var<storage, read> best: array<f32>;        // (rows, 3, slices)
@group(0) @binding(3) var<storage, read> seen: array<u32>;        // (rows, width/32)
@group(0) @binding(4) var<storage, read_write> draws: array<u32>; // (rows, 12)
@group(0) @binding(5) var<storage, read_write> bins: array<u32>;  // (rows, 2, 1024)
@group(0) @binding(6) var<storage, read_write> list: array<u32>;  // (rows, width)
{{template "rank"}}
{{template "logit" .}}
{{template "best_of"}}
{{template "row_best"}}
{{template "distance"}}

const LAST_BIN = 1023u;
const UNIT = 1073741824.0; // 2^30

var<workgroup> number: array<atomic<u32>, 256>; // of the candidates of each digit
var<workgroup> weight: array<atomic<u32>, 256>;
var<workgroup> counts: array<u32, 256>;
var<workgroup> sums: array<f32, 256>;
var<workgroup> listed: atomic<u32>;
var<workgroup> number_above: atomic<u32>;
var<workgroup> mass_above: atomic<u32>;
var<workgroup> mass_kept: atomic<u32>;
var<workgroup> first: atomic<u32>;
var<workgroup> shared_word: u32;
var<workgroup> found: vec4<u32>;

var<private> row: u32;
var<private> peak: f32;
var<private> steepness: f32;
var<private> scale: f32;                 // UNIT over the row's sum of exp(-d)
var<private> own_number: vec4<u32>;      // of the invocation's four bins
var<private> own_mass: vec4<f32>;
var<private> number_before: u32;         // of the bins before them
var<private> mass_before: f32;

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

fn bin_of(d: f32) -> u32 {
	return min(u32(d * 32.0), LAST_BIN);
}

fn order(i: u32, v: f32) -> vec2<u32> {
	return vec2<u32>(rank(v), ~i);
}

fn mass(d: f32) -> u32 {
	return u32(exp(-d) * scale + 0.5);
}

// load_bins takes the histogram in and clears it.
fn load_bins(t: u32) {
	for (var j = 0u; j < 4u; j++) {
		let b = 4u * t + j;
		let at = row * 2048u + b;
		own_number[j] = bins[at];
		own_mass[j] = f32(bins[at + 1024u]) * 6.1035156e-5 * exp(-f32(b) * 0.03125);
		bins[at] = 0u;
		bins[at + 1024u] = 0u;
	}
	counts[t] = own_number.x + own_number.y + own_number.z + own_number.w;
	sums[t] = own_mass.x + own_mass.y + own_mass.z + own_mass.w;
	scan_counts(t);
	scan_sums(t);
	number_before = select(0u, counts[max(t, 1u) - 1u], t > 0u);
	mass_before = select(0.0, sums[max(t, 1u) - 1u], t > 0u);
}

// first_bin is the first one up to which there are n tokens, or of probability m;
// the last bin if there is none.
fn first_bin(t: u32, n: u32, m: f32) -> u32 {
	if (t == 0u) {
		atomicStore(&first, LAST_BIN);
	}
	workgroupBarrier();
	var some = number_before;
	var sum = mass_before;
	for (var j = 0u; j < 4u; j++) {
		some += own_number[j];
		sum += own_mass[j];
		if (some >= n || sum >= m) {
			atomicMin(&first, 4u * t + j);
		}
	}
	workgroupBarrier();
	return share(t, atomicLoad(&first));
}

// gather lists the tokens of bins low to high of at least an order, in any order,
// returns their number and sums up those of the bins before.
fn gather(t: u32, low: u32, high: u32, least: vec2<u32>) -> u32 {
	if (t == 0u) {
		atomicStore(&listed, 0u);
		atomicStore(&number_above, 0u);
		atomicStore(&mass_above, 0u);
	}
	workgroupBarrier();
	var above = vec2<u32>();
	for (var from_here = t; from_here < params.width; from_here += 2048u) {
{{- range seq 8}}
		let v{{.}} = logit(row, min(from_here + {{mul . 256}}u, params.width - 1u));
{{- end}}
{{- range seq 8}}
		above += consider(from_here + {{mul . 256}}u, v{{.}}, low, high, least);
{{- end}}
	}
	atomicAdd(&number_above, above.x);
	atomicAdd(&mass_above, above.y);
	storageBarrier();
	workgroupBarrier();
	return share(t, atomicLoad(&listed));
}

// consider lists a token if it lies between the bins, and returns its number and
// mass if it lies before them.
fn consider(i: u32, v: f32, low: u32, high: u32, least: vec2<u32>) -> vec2<u32> {
	let d = distance_below(peak, v, steepness);
	if (i >= params.width || !(d < 32.0)) {
		return vec2<u32>();
	}
	let b = bin_of(d);
	if (b < low) {
		return vec2<u32>(1u, mass(d));
	}
	if (b <= high && at_least(order(i, v), least)) {
		list[row * params.width + atomicAdd(&listed, 1u)] = i;
	}
	return vec2<u32>();
}

// kept is the mass of listed tokens of at least an order.
fn kept(t: u32, n: u32, least: vec2<u32>) -> u32 {
	if (t == 0u) {
		atomicStore(&mass_kept, 0u);
	}
	workgroupBarrier();
	for (var k = t; k < n; k += 256u) {
		let i = list[row * params.width + k];
		let v = logit(row, i);
		if (at_least(order(i, v), least)) {
			atomicAdd(&mass_kept, mass(distance_below(peak, v, steepness)));
		}
	}
	workgroupBarrier();
	return share(t, atomicLoad(&mass_kept));
}

// last_of is the order of the first of n listed tokens with which their number or,
// by_mass, their mass, and what is above them, reaches a goal. Each round fixes
// eight bits of it, until a single token is left.
fn last_of(t: u32, n: u32, start: u32, goal: u32, by_mass: bool) -> vec2<u32> {
	var prefix = vec2<u32>();
	var mask = vec2<u32>();
	var above = start;
	for (var round = 0u; round < 8u; round++) {
		let shift = 24u - 8u * (round % 4u);
		atomicStore(&number[t], 0u);
		atomicStore(&weight[t], 0u);
		workgroupBarrier();
		for (var k = t; k < n; k += 256u) {
			let i = list[row * params.width + k];
			let v = logit(row, i);
			let o = order(i, v);
			if (all((o & mask) == prefix)) {
				let digit = 255u - ((select(o.y, o.x, round < 4u) >> shift) & 255u);
				atomicAdd(&number[digit], 1u);
				atomicAdd(&weight[digit], select(1u, mass(distance_below(peak, v, steepness)), by_mass));
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
		let digits = select(vec2<u32>(0u, f.x << shift), vec2<u32>(f.x << shift, 0u), round < 4u);
		let fixed = select(vec2<u32>(0u, 255u << shift), vec2<u32>(255u << shift, 0u), round < 4u);
		prefix |= digits;
		mask |= fixed;
		if (f.z == 1u) {
			break;
		}
	}
	return only(t, n, prefix, mask);
}

// only is the order of the one listed token that begins with prefix.
fn only(t: u32, n: u32, prefix: vec2<u32>, mask: vec2<u32>) -> vec2<u32> {
	for (var k = t; k < n; k += 256u) {
		let i = list[row * params.width + k];
		let o = order(i, logit(row, i));
		if (all((o & mask) == prefix)) {
			found = vec4<u32>(o, 0u, 0u);
		}
	}
	return workgroupUniformLoad(&found).xy;
}

// last_token is the order of the row's last token that top_k and top_p leave.
fn last_token(t: u32, top_k: u32, top_p: f32) -> vec2<u32> {
	var least = vec2<u32>();
	var all_mass = UNIT;
	if (top_k > 0u && top_k < share(t, counts[255])) {
		let b = first_bin(t, top_k, 3.4028235e38);
		let n = gather(t, b, b, least);
		least = last_of(t, n, share(t, atomicLoad(&number_above)), top_k, false);
		all_mass = f32(share(t, atomicLoad(&mass_above)) + kept(t, n, least));
	}
	if (top_p < 1.0) {
		// The histogram's probabilities are right to 2^-15.
		let m = top_p * all_mass / scale;
		let n = gather(t, first_bin(t, 0xffffffffu, m * 0.9999), first_bin(t, 0xffffffffu, m * 1.0001), least);
		let above = share(t, atomicLoad(&mass_above));
		let goal = clamp(u32(ceil(top_p * all_mass)), above + 1u, above + kept(t, n, least));
		least = last_of(t, n, above, goal, true);
	}
	return least;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) t: u32) {
	row = wg.x;
	let slices = (params.width + 1023u) / 1024u;
	var sum = 0.0;
	for (var s = t; s < slices; s += 256u) {
		sum += best[(row * 3u + 2u) * slices + s];
	}
	sums[t] = sum;
	scan_sums(t);
	scale = UNIT / max(sums[255], 1.0);
	row_best(t, row);
	let bad = share(t, u32(ranks[0] == BAD)) == 1u;
	peak = value(ranks[0]);
	steepness = bitcast<f32>(draws[row * 12u + 4u]);
	let top_k = share(t, draws[row * 12u + 3u]);
	let top_p = bitcast<f32>(share(t, draws[row * 12u + 5u]));
	load_bins(t);
	var least = vec2<u32>();
	if (!bad) {
		least = last_token(t, top_k, top_p);
	}
	if (t == 0u) {
		draws[row * 12u + 9u] = least.x;
		draws[row * 12u + 10u] = least.y;
	}
}
