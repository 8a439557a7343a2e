{{/* What the kernels that choose tokens share. Their Params are rows, width,
stride, ring; draws holds 12 words a row (Draw in package shaders).

logit      logit(row, i): element i of a row of x, penalised where the row has
           seen token i; finite or not, as it is
rank       rank(v) is greater for greater floats and equal for the two zeros;
           floats that are not finite rank above all. WGSL lets a compiler take
           for granted that there are none, so bits are compared. value(rank) is
           its inverse for finite floats
best_of    leaves the greatest of the invocations' (rank, place) in ranks[0] and
           places[0], of equal ranks the smallest place
row_best   best_of a row's slices in best (rows, 3, slices): rank BAD where one
           has an element that is not finite
take       makes id a row's token */}}
{{define "logit"}}
fn logit(row: u32, i: u32) -> f32 {
	let v = bitcast<f32>(x[row * params.stride + i]);
{{- if .Penalty}}
	let word = seen[row * ((params.width + 31u) / 32u) + i / 32u];
	if (((word >> (i % 32u)) & 1u) == 1u && is_finite(v)) {
		let factor = bitcast<f32>(draws[row * 12u + select(7u, 8u, v > 0.0)]);
		return clamp(v * factor, -3.4028235e38, 3.4028235e38);
	}
{{- end}}
	return v;
}
{{- end}}
{{define "rank"}}
const BAD = 0xffffffffu;

fn is_finite(v: f32) -> bool {
	return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u;
}

fn rank(v: f32) -> u32 {
	let bits = bitcast<u32>(v);
	let size = bits & 0x7fffffffu;
	let finite = select(size | 0x80000000u, 0x80000000u - size, bits > 0x80000000u);
	return select(finite, BAD, size >= 0x7f800000u);
}

// at_least compares orders, (rank, ~place).
fn at_least(a: vec2<u32>, b: vec2<u32>) -> bool {
	return a.x > b.x || (a.x == b.x && a.y >= b.y);
}

fn value(r: u32) -> f32 {
	return bitcast<f32>(select(0u - r, r & 0x7fffffffu, r >= 0x80000000u));
}
{{- end}}
{{define "best_of"}}
var<workgroup> ranks: array<u32, 256>;
var<workgroup> places: array<u32, 256>;

fn best_of(t: u32, own_rank: u32, own_place: u32) {
	ranks[t] = own_rank;
	places[t] = own_place;
	workgroupBarrier();
	for (var half = 128u; half > 0u; half /= 2u) {
		if (t < half) {
			let r = ranks[t + half];
			let p = places[t + half];
			if (r > ranks[t] || (r == ranks[t] && p < places[t])) {
				ranks[t] = r;
				places[t] = p;
			}
		}
		workgroupBarrier();
	}
}
{{- end}}
{{define "row_best"}}
fn row_best(t: u32, row: u32) {
	let slices = (params.width + 1023u) / 1024u;
	var top = 0u;
	var at = params.width;
	for (var s = t; s < slices; s += 256u) {
		let i = row * 3u * slices + s;
		let place = u32(best[i + slices]);
		let r = select(rank(best[i]), BAD, place == params.width);
		if (r > top || (r == top && place < at)) {
			top = r;
			at = place;
		}
	}
	best_of(t, top, at);
}
{{- end}}
{{define "take"}}
fn take(row: u32, id: u32) {
	let place = draws[row * 12u];
	draws[row * 12u] = place + 1u;
	chosen[(place % params.ring) * params.rows + row] = id;
	ids[row] = id;
{{- if .Penalty}}
	if (id < params.width) {
		seen[row * ((params.width + 31u) / 32u) + id / 32u] |= 1u << (id % 32u);
	}
{{- end}}
}
{{- end}}
{{/* distance_below(peak, v, steepness) is how far a logit lies below its row's largest,
in units of the temperature: steepness is two over the temperature. Halves never
overflow. It has no rounding that a device may choose: no sum of a product.

noise(key, i) is the standard Gumbel number of token i, -log(-log(u)): the token
of the largest noise - distance is one drawn by softmax (Gumbel 1954; arXiv
1611.01144). 32 bits are hashed out of the key, two words, and i (Wellons,
"triple32"); of their leading 24 v is made, exactly, and -log(1 - v) by ln, since
WGSL promises 2^-21 of its own log where v is small. Noise lies between -2.9 and
22.9. */}}
{{define "distance"}}
fn distance_below(peak: f32, v: f32, steepness: f32) -> f32 {
	return (0.5 * peak - 0.5 * v) * steepness;
}
{{- end}}
{{define "noise"}}
fn scramble(word: u32) -> u32 {
	var h = word;
	h = (h ^ (h >> 17u)) * 0xed5ad4bbu;
	h = (h ^ (h >> 11u)) * 0xac4c1b51u;
	h = (h ^ (h >> 15u)) * 0x31848babu;
	return h ^ (h >> 14u);
}

fn noise_key(row: u32) -> vec2<u32> {
	let place = draws[row * 12u];
	let low = draws[row * 12u + 1u];
	let high = draws[row * 12u + 2u];
	return vec2<u32>(scramble(scramble(scramble(low) ^ high) + place), scramble(scramble(scramble(high + 0x9e3779b9u) ^ low) ^ place));
}

// twice_atanh is log((1 + s) / (1 - s)), right to 1e-9 for |s| up to 0.172.
fn twice_atanh(s: f32) -> f32 {
	let q = s * s;
	return 2.0 * s * fma(q, fma(q, fma(q, fma(q, 0.11111111, 0.14285715), 0.2), 0.33333334), 1.0);
}

// ln is log(v) of a normal positive v.
fn ln(v: f32) -> f32 {
	let bits = bitcast<u32>(v) - 0x3f3504f3u; // of sqrt(1/2)
	let m = bitcast<f32>((bits & 0x7fffffu) + 0x3f3504f3u);
	return fma(f32(bitcast<i32>(bits) >> 23u), 0.6931472, twice_atanh((m - 1.0) / (m + 1.0)));
}

fn noise(key: vec2<u32>, i: u32) -> f32 {
	let h = scramble(scramble(i + key.x) ^ key.y);
	let v = (f32(select(h, h & 0xffffff00u, h >= 0x1000000u)) + 0.5) * 2.3283064e-10;
	var e = twice_atanh(v / (2.0 - v));
	if (v > 0.25) {
		e = -ln(1.0 - v);
	}
	return -ln(e);
}
{{- end}}
