{{/* Complex exponentials that do not lean on WGSL's sin and cos, which promise
2^-11 absolute and that only on [-pi, pi].

Angles are counted in quarter turns, so that the whole ones are dropped by
subtracting an integer, exactly, and no multiple of pi is needed. An angle
d * w comes as two pairs (head, rest): a head has 12 significant bits, so the
product of two heads is exact in 24, whether or not the device fuses fma. The
other terms are 2^-11 of it, so the angle is right to about 2^-34 of its size
and 2^-25 of a turn: 1e-6 radians at 1e4 radians, 1e-4 at 1e6.

head(x)       the first 12 significant bits of x
split(x)      x as (head, rest)
quarters(y)   y radians in quarter turns, as (head, rest) with 36 bits
turn(d, w)    (cos, sin) of d * w quarter turns, to about 1e-7 besides what the
              angle is off. Past 2^30 the angle means nothing, but the result
              stays about within the unit circle.

The sines' and cosines' polynomials in r^2 are minimax on |r| <= 1/2 quarter
turn, to 2e-9 and 7e-11. */}}
{{define "turn"}}
fn head(x: f32) -> f32 {
	return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
}

fn split(x: f32) -> vec2<f32> {
	return vec2<f32>(head(x), x - head(x));
}

// 2/pi is 0.63647461 (12 bits) and 1.4516e-4. A difference that must be exact is
// an fma, which no compiler may reassociate.
fn quarters(y: f32) -> vec2<f32> {
	let s = split(y);
	let small = fma(s.x, 1.4516299e-4, s.y * 0.63661977);
	let first = head(fma(s.x, 0.636474609375, small));
	return vec2<f32>(first, fma(s.x, 0.636474609375, -first) + small);
}

fn turn(d: vec2<f32>, w: vec2<f32>) -> vec2<f32> {
	let small = fma(d.x, w.y, d.y * (w.x + w.y));
	let k = round(fma(d.x, w.x, small));
	let r = clamp(fma(d.x, w.x, -k) + small, -1.0, 1.0);
	let q = r * r;
	let s = r * fma(q, fma(q, fma(q, -0.0045954473, 0.07967737), -0.64596313), 1.5707964);
	let c = fma(q, fma(q, fma(q, fma(q, 9.0441073e-4, -0.020860488), 0.25366926), -1.2337005), 1.0);
	// (c + i s) i^k
	let turns = bitcast<u32>(i32(k));
	let odd = (turns & 1u) == 1u;
	let re = bitcast<u32>(select(c, s, odd)) ^ (((turns + 1u) & 2u) << 30u);
	let im = bitcast<u32>(select(s, c, odd)) ^ ((turns & 2u) << 30u);
	return vec2<f32>(bitcast<f32>(re), bitcast<f32>(im));
}
{{- end}}
{{/* exp_parts(x) is (exp(x), exp(x) - 1), both to about 1e-7 relative: exp(x) is
2^k (1 + p) with |x - k ln 2| <= ln(2)/2 and p a minimax polynomial to 2e-8. ln 2
is 355/512, exact times k, and the rest. x is held within [-87, 88]; below,
exp(x) stays 2e-38.

hold(delta, a) is the exact zero-order hold of h' = a h + v: (exp(z), phi), z =
delta a, phi = (exp(z) - 1)/a, delta where a is 0. exp(z) - 1 is

  expm1(x) cos y - 2 sin^2(y/2) + i e^x sin y,   z = x + i y

which loses no digits where z is small; below |z| = 1/8 phi is delta times the
series 1 + z/2 + z^2/6 + ... + z^5/720, right to 1e-9, so a may be 0. It takes turn
and complex_mul. */}}
{{define "hold"}}
fn exp_parts(v: f32) -> vec2<f32> {
	let x = clamp(v, -87.0, 88.0);
	let k = round(x * 1.442695041);
	let r = fma(k, 2.1219444e-4, fma(k, -0.693359375, x));
	let p = fma(r * r, fma(r, fma(r, fma(r, fma(r, 1.3945446e-3, 8.366042e-3), 0.0416663), 0.16666548), 0.5), r);
	let s = bitcast<f32>(u32(i32(k) + 127) << 23u);
	return vec2<f32>(fma(s, p, s), fma(s, p, s - 1.0));
}

fn hold(delta: f32, a: vec2<f32>) -> vec4<f32> {
	let e = exp_parts(delta * a.x);
	let half = turn(split(delta), quarters(0.5 * a.y)); // of y/2
	let y = vec2<f32>(fma(half.x, half.x, -(half.y * half.y)), 2.0 * half.x * half.y);
	let z = delta * a;
	var phi = vec2<f32>(0.0);
	if (dot(z, z) < 0.015625) {
		let one = vec2<f32>(1.0, 0.0);
		phi = one + z / 6.0;
		phi = one + complex_mul(z, phi) / 5.0;
		phi = one + complex_mul(z, phi) / 4.0;
		phi = one + complex_mul(z, phi) / 3.0;
		phi = delta * (one + complex_mul(z, phi) / 2.0);
	} else {
		let expm1 = vec2<f32>(fma(e.y, y.x, -2.0 * half.y * half.y), e.x * y.y);
		phi = complex_mul(expm1, vec2<f32>(a.x, -a.y)) / dot(a, a);
	}
	return vec4<f32>(e.x * y, phi);
}
{{- end}}
{{/* complex_mul(a, b) is the product of two complex numbers. */}}
{{define "complex_mul"}}
fn complex_mul(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
	return vec2<f32>(fma(a.x, b.x, -(a.y * b.y)), fma(a.x, b.y, a.y * b.x));
}
{{- end}}
