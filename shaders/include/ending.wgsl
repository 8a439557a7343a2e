{{/* The end of a product: matmul_end, of a type's name, defines ended(x, b, old), which
is act(x + b) + old, with act silu or nothing as params.flags says. b and old are
zero where there are none. has_bias and has_old read the other flags. */}}
{{define "matmul_end"}}
fn has_bias() -> bool { return (params.flags & 1u) != 0u; }
fn has_old() -> bool { return (params.flags & 4u) != 0u; }

fn ended(x: {{.}}, b: {{.}}, old: {{.}}) -> {{.}} {
	var v = x + b;
	if ((params.flags & 2u) != 0u) {
		v = v / ({{.}}(1.0) + exp(-v));
	}
	return v + old;
}
{{- end}}
