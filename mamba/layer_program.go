package mamba

import (
	"math"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// layerProgram is the input-modulated layer's parameters, states and
// activations. Letters: B batch, L length, T = B L, d d_model, E d_inner,
// N d_state, K d_conv, S = 1 + N + 2E rounded up to a multiple of four, so
// that s_proj writes whole vectors.
type layerProgram[A any] struct {
	config           Config
	norm, normBias   A         // (d) each, as Norm says
	inProj           matrix[A] // (E, d)
	inBias           A         // (E)
	conv             A         // (E, K), then (E)
	sProj            matrix[A] // (S, E)
	sBias            A         // (S)
	a                A         // (N, 2)
	scan             A         // B (E, N), C (E, N), D (E)
	outProj          matrix[A] // (d, E)
	outBias          A         // (d)
	convState, state A         // (slots, E, K-1), (slots, E, N, 2)
	list             A         // (B) the state of each sequence

	x     A // (T, d) input, then output
	y     A // (T, d) normalised input, then out_proj's result
	v     A // (T, E) in_proj's result, then the scan's
	u     A // (T, E) convolved
	s     A // (T, S) s_proj: delta, a, b, c, before softplus and sigmoid
	cells A // (T, N, 4) a Abar and phi
}

// The places of arrays in layerProgram.arrays.
const (
	layerX = iota
	layerY
	layerV
	layerU
	layerS
	layerCells
)

func (l *layerProgram[A]) arrays() []array[A] {
	d, e, n := l.config.DModel, l.config.DInner(), l.config.DState
	return []array[A]{
		{"x", d, &l.x}, {"y", d, &l.y}, {"v", e, &l.v}, {"u", e, &l.u},
		{"s", l.config.sWidth(), &l.s}, {"cells", 4 * n, &l.cells},
	}
}

func (l *layerProgram[A]) states() []array[A] {
	e := l.config.DInner()
	return []array[A]{
		{"conv_state", e * (l.config.DConv - 1), &l.convState},
		{"ssm_state", 2 * e * l.config.DState, &l.state},
	}
}

func (l *layerProgram[A]) slots() *A { return &l.list }

// sWidth is S.
func (c Config) sWidth() int { return shaders.Stride(shaders.F32, 1+c.DState+2*c.DInner()) }

// run takes a chunk through the layer, or a part of it. A part alone finds the
// parts of s that it reads in dense arrays.
func (l *layerProgram[A]) run(s unitStages[A], p pass) {
	if p.has(partConv) {
		l.conv1d(s, p) // x (B, L, d) -> u (B, L, E)
	}
	if p.has(partSProj) {
		l.project(s, p) // u (B, L, E) -> s (B, L, S)
	}
	if p.has(partHold) {
		l.hold(s, p) // s (B, L, S) -> cells (B, L, N, 4)
	}
	if p.has(partScan) {
		l.recur(s, p) // u (B, L, E), cells, s -> v (B, L, E)
	}
	if p.has(partOut) {
		l.output(s, p) // v (B, L, E) -> x (B, L, d)
	}
}

// conv1d is u = causal_conv1d(W_in norm(x) + b_in).
func (l *layerProgram[A]) conv1d(s unitStages[A], p pass) {
	c, e := l.config, l.config.DInner()
	x := normalise(s, c.Norm, c.NormEps, p.tokens(), c.DModel, l.x, l.norm, l.normBias, l.y) // (B, L, d)
	linear(s, shaders.MatmulParams{M: p.tokens(), K: c.DModel, LDA: c.DModel, LDC: e, Bias: true},
		x, l.inProj, l.inBias, l.v) // (B, L, E)
	s.causalConv(shaders.CausalConvParams{
		Batch: p.rows, Length: p.length, Channels: e, Width: c.DConv, Stride: e, Bias: true, Fresh: p.fresh,
	}, l.v, l.conv, l.list, l.convState, l.u) // (B, L, E)
}

// normalise writes x, normalised, to y and gives that, or x if there is
// nothing to do.
func normalise[A any](s unitStages[A], norm Norm, eps float64, rows, width int, x, weight, bias, y A) A {
	switch norm {
	case NormRMS:
		s.rmsNorm(shaders.RMSNormParams{Rows: rows, Width: width, Eps: float32(eps)}, x, weight, y)
		return y
	case NormLayer:
		s.layerNorm(shaders.LayerNormParams{Rows: rows, Width: width, Eps: float32(eps)}, x, weight, bias, y)
		return y
	}
	return x
}

// project is s = W_s u + b_s.
func (l *layerProgram[A]) project(s unitStages[A], p pass) {
	e := l.config.DInner()
	linear(s, shaders.MatmulParams{M: p.tokens(), K: e, LDA: e, LDC: l.config.sWidth(), Bias: true},
		l.u, l.sProj, l.sBias, l.s)
}

// hold makes a . Abar and phi; alone, Abar and phi from a dense delta.
func (l *layerProgram[A]) hold(s unitStages[A], p pass) {
	h := shaders.DiscretizeParams{
		Rows: p.tokens(), States: l.config.DState, Stride: l.config.sWidth(), OffMod: 1, Softplus: true, Modulated: true,
	}
	if p.part == partHold {
		h.Stride, h.OffMod, h.Softplus, h.Modulated = 1, 0, false, false
	}
	s.discretize(h, l.s, l.a, l.cells)
}

// recur is the recurrence and D u; alone, with a dense (b, c).
func (l *layerProgram[A]) recur(s unitStages[A], p pass) {
	e, n := l.config.DInner(), l.config.DState
	r := shaders.ModulatedScanParams{
		Batch: p.rows, Length: p.length, Channels: e, States: n,
		Stride: l.config.sWidth(), OffB: 1 + n, OffC: 1 + n + e, Fresh: p.fresh,
	}
	if p.part == partScan {
		r.Stride, r.OffB, r.OffC = 2*e, 0, e
	}
	s.modulatedScan(r, l.u, l.cells, l.s, l.scan, l.list, l.state, l.v)
}

// output is x + W_out y + b_out.
func (l *layerProgram[A]) output(s unitStages[A], p pass) {
	d, e := l.config.DModel, l.config.DInner()
	linear(s, shaders.MatmulParams{M: p.tokens(), K: e, LDA: e, LDC: d, Bias: true}, l.v, l.outProj, l.outBias, l.y)
	s.residualAdd(shaders.ResidualAddParams{Count: p.tokens() * d}, l.x, l.y)
}

// layerParameters makes an input-modulated layer's program.
type layerParameters struct {
	parameters
	config Config
}

func (l layerParameters) onHost() (program[hostArray], error) {
	return loadLayer(l, store[hostArray](hostStore{}))
}

func (l layerParameters) onGPU(st *gpuStore) (program[*wgpu.Buffer], error) {
	return loadLayer(l, store[*wgpu.Buffer](st))
}

func loadLayer[A any](p layerParameters, st store[A]) (*layerProgram[A], error) {
	c, e := p.config, p.config.DInner()
	l := &loader[A]{source: p.packed(), store: st}
	out := &layerProgram[A]{
		config:  c,
		inProj:  l.matrix("in_proj.weight", e, c.DModel),
		inBias:  l.vector("in_proj.bias"),
		conv:    l.vector("conv1d.weight", "conv1d.bias"),
		sProj:   l.matrix("s_proj.weight", c.sWidth(), e),
		sBias:   l.vector("s_proj.bias"),
		a:       l.vector("a"),
		scan:    l.vector("B", "C", "D"),
		outProj: l.matrix("out_proj.weight", c.DModel, e),
		outBias: l.vector("out_proj.bias"),
	}
	if c.Norm != NormNone {
		out.norm = l.vector("norm.weight")
	}
	if c.Norm == NormLayer {
		out.normBias = l.vector("norm.bias")
	}
	return out, l.err
}

// packed are the parameters as the kernels take them: s_proj with rows of
// zeros up to S, and "a" (N, 2), the real and the imaginary part of A.
func (l layerParameters) packed() parameters {
	p := parameters{}
	for name, t := range l.parameters {
		p[name] = t
	}
	width, e, n := l.config.sWidth(), l.config.DInner(), l.config.DState
	weight, bias, a := NewTensor(width, e), NewTensor(width), NewTensor(n, 2)
	copy(weight.Data, p["s_proj.weight"].Data)
	copy(bias.Data, p["s_proj.bias"].Data)
	for i := range n {
		a.Data[2*i] = float32(-math.Exp(float64(p["a_re"].Data[i])))
		a.Data[2*i+1] = p["a_im"].Data[i]
	}
	p["s_proj.weight"], p["s_proj.bias"], p["a"] = weight, bias, a
	return p
}
