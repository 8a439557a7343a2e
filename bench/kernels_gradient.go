package bench

import "github.com/mambagpu/mambagpu/shaders"

// inputGradient is the gradient of the input of a projection of tokens from in to out
// columns: dx (tokens, in) = dy (tokens, out) w (out, in).
func inputGradient(tokens, in, out int) kernelCase {
	return gradient(shaders.MatmulParams{M: tokens, N: in, K: out, LDA: out, LDW: in, LDC: in, TransW: true})
}

// weightGradient is what is added to the gradient of its weights:
// dw (out, in) += dy^T x, of dy (tokens, out) and x (tokens, in).
func weightGradient(tokens, in, out int) kernelCase {
	return gradient(shaders.MatmulParams{M: out, N: in, K: tokens, LDA: out, LDW: in, LDC: in, TransA: true, TransW: true, Add: true})
}

// gradient is a product whose w, and a if TransA is set, lie transposed and without padding.
func gradient(p shaders.MatmulParams) kernelCase {
	c := result("c", p.M*p.N)
	if p.Add {
		c = kept("c", p.M*p.N)
	}
	out := single(split, []int{p.M, p.N, p.K}, p, []array{
		floats("a", p.M*p.K, -1, 1), floats("w", p.N*p.K, -unit(p.K), unit(p.K)), {name: "bias"}, c,
	}, func() (any, []view) {
		rows, columns, sums := spread(p.M, sampledRows), spread(p.N, sampledColumns), span(0, p.K)
		q := p
		q.M, q.N, q.LDW, q.LDC = len(rows), len(columns), len(columns), len(columns)
		a := view{index: grid(rows, p.K, sums)}
		if p.TransA {
			q.LDA = len(rows)
			a = view{index: grid(sums, p.M, rows)}
		}
		return q, []view{a, {index: grid(sums, p.N, columns)}, {}, {index: grid(rows, p.N, columns)}}
	})
	out.name, out.rel = "matmul", accumulated
	out.flops = 2 * float64(p.M) * float64(p.N) * float64(p.K)
	return out
}
