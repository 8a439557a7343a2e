{{/* Stable softplus and silu for every finite input. softplus is max(x, 0) + log(1 + y)
with y = exp(-|x|). log(1 + y) / y is a polynomial, the one of its degree with the least
relative error on [0, 1], 3e-8; rounded to float32 it is off by 1.6e-7 at most, where
WGSL's log promises no more than 2^-21 absolute. */}}
{{define "softplus"}}
fn softplus(x: f32) -> f32 {
	let y = exp(-abs(x));
	var p = fma(y, 0.0052326955, -0.029505244);
	p = fma(p, y, 0.07822596);
	p = fma(p, y, -0.13663246);
	p = fma(p, y, 0.19106007);
	p = fma(p, y, -0.24842982);
	p = fma(p, y, 0.33319098);
	p = fma(p, y, -0.49999493);
	p = fma(p, y, 0.99999994);
	return fma(p, y, max(x, 0.0));
}
{{- end}}
{{define "silu"}}
fn silu(x: f32) -> f32 {
	return x / (1.0 + exp(-x));
}
{{- end}}
