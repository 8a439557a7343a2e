package train

import (
	"github.com/mambagpu/mambagpu/mamba"
	"github.com/mambagpu/mambagpu/shaders"
)

// layerNetwork is the input-modulated layer's parameters and what a pass through it,
// there and back, needs. Letters: B batch, L length, T = B L, d d_model, E d_inner, N
// d_state, K d_conv, S = 1 + N + 2E rounded up to a multiple of four, so that rows of
// s_proj's output are whole vectors.
type layerNetwork[A any] struct {
	config         mamba.Config
	norm, normBias *weight[A] // (d) each, as Norm says
	inProj, inBias *weight[A] // (E, d), (E)
	conv           *weight[A] // (E, K), then (E)
	sProj, sBias   *weight[A] // (1+N+2E, E), (1+N+2E), with room for S rows
	decays         *weight[A] // a_re (N), then a_im (N)
	scan           *weight[A] // B (E, N), C (E, N), D (E)
	outProj        *weight[A] // (d, E)
	outBias        *weight[A] // (d)
	act            layerActivations[A]
}

// layerActivations are the arrays of a pass. Those before the first gap are kept from
// the way there for the way back.
type layerActivations[A any] struct {
	x     A // (T, d) input
	norm  A // (T, d) normalised input
	v     A // (T, E) in_proj's output
	u     A // (T, E) convolved
	s     A // (T, S) delta, a, b, c before softplus and sigmoid
	cells A // (T, N, 4) a Abar and phi
	w     A // (T, E) scanned; back the gradient of v

	y  A // (T, d) output; back the gradient of norm
	dy A // (T, d) gradient of the output; then of the input

	du     A // (T, E) gradient of w, then of u
	ds     A // (T, S), of whose rows the padding stays 0
	dcells A // (T, N, 4)

	slots     A // (B) 0 to B-1: the rows of the states below
	convState A // (B, E, K-1) that the kernels leave
	state     A // (B, E, N, 2)
}

// sWidth is S.
func (n *layerNetwork[A]) sWidth() int {
	return (1 + n.config.DState + 2*n.config.DInner() + 3) / 4 * 4
}

// perToken lists the arrays that have a row for each token.
func (n *layerNetwork[A]) perToken() []activation[A] {
	a, d, e, cells := &n.act, n.config.DModel, n.config.DInner(), 4*n.config.DState
	return []activation[A]{
		{&a.x, "x", d}, {&a.norm, "norm", d}, {&a.v, "in_proj", e}, {&a.u, "conv", e}, {&a.s, "s_proj", n.sWidth()},
		{&a.cells, "cells", cells}, {&a.w, "scan", e}, {&a.y, "y", d}, {&a.dy, "gradient of y", d},
		{&a.du, "gradient of u", e}, {&a.ds, "gradient of s_proj", n.sWidth()}, {&a.dcells, "gradient of cells", cells},
	}
}

// perRow lists the arrays that have a row for each sequence.
func (n *layerNetwork[A]) perRow() []activation[A] {
	e := n.config.DInner()
	return []activation[A]{{&n.act.convState, "conv_state", e * (n.config.DConv - 1)}, {&n.act.state, "ssm_state", 2 * e * n.config.DState}}
}

// layerStages are the layer's stages, each with its sizes: one description for both
// directions.
type layerStages[A any] struct {
	inProj, sProj, outProj linear[A]
	conv                   shaders.CausalConvParams
	hold                   shaders.DiscretizeParams
	scan                   shaders.ModulatedScanParams
}

func (n *layerNetwork[A]) stages(m micro) layerStages[A] {
	t, d, e, ns, s := m.tokens(), n.config.DModel, n.config.DInner(), n.config.DState, n.sWidth()
	return layerStages[A]{
		inProj: linear[A]{w: n.inProj, bias: n.inBias, rows: t, ldx: d, ldy: e},
		conv: shaders.CausalConvParams{
			Batch: m.rows, Length: m.length, Channels: e, Width: n.config.DConv, Stride: e, Bias: true, Fresh: true,
		},
		sProj: linear[A]{w: n.sProj.padded(s, e), bias: n.sBias, rows: t, ldx: e, ldy: s},
		hold: shaders.DiscretizeParams{
			Rows: t, States: ns, Stride: s, OffMod: 1, Softplus: true, Modulated: true, Log: true,
		},
		scan: shaders.ModulatedScanParams{
			Batch: m.rows, Length: m.length, Channels: e, States: ns, Stride: s, OffB: 1 + ns, OffC: 1 + ns + e, Fresh: true,
		},
		outProj: linear[A]{w: n.outProj, bias: n.outBias, rows: t, ldx: e, ldy: d},
	}
}

// padded is the weight as a matrix of more rows, which its arrays have room for.
func (w *weight[A]) padded(rows, cols int) *weight[A] {
	p := *w
	p.parts = []part{{rows: rows, cols: cols}}
	return &p
}

// forward is the layer (see [mamba.Layer]): act.x becomes act.y.
func (n *layerNetwork[A]) forward(s layerOperations[A], m micro) {
	act, st := &n.act, n.stages(m)
	st.inProj.forward(s, n.normalise(s, m), act.v, false)                                        // (B, L, E)
	s.causalConv(st.conv, act.v, n.conv.value, act.slots, act.convState, act.u)                  // (B, L, E)
	st.sProj.forward(s, act.u, act.s, false)                                                     // (B, L, S)
	s.discretize(st.hold, act.s, n.decays.value, act.cells)                                      // (B, L, N, 4)
	s.modulatedScan(st.scan, act.u, act.cells, act.s, n.scan.value, act.slots, act.state, act.w) // (B, L, E)
	s.copy(act.y, 0, act.x, 0, m.tokens()*n.config.DModel)
	st.outProj.forward(s, act.w, act.y, true) // (B, L, d)
}

// backward adds to the parameters' gradients; act.dy, the gradient of the output,
// becomes that of the input. The way there must have been just before.
func (n *layerNetwork[A]) backward(s layerOperations[A], m micro) {
	act, st := &n.act, n.stages(m)
	st.outProj.weights(s, act.dy, act.w)
	st.outProj.input(s, act.dy, act.du, false) // (B, L, E) of w
	s.modulatedScanBackward(st.scan, act.u, act.cells, act.s, n.scan.value, act.slots, act.state,
		act.du, act.dcells, act.ds, n.scan.gradient) // of u, the cells, b and c
	s.discretizeBackward(st.hold, act.s, n.decays.value, act.dcells, act.ds, n.decays.gradient) // of delta and a
	st.sProj.weights(s, act.ds, act.u)
	st.sProj.input(s, act.ds, act.du, true)
	s.causalConvBackward(st.conv, act.v, n.conv.value, act.du, act.w, n.conv.gradient) // of v
	st.inProj.weights(s, act.w, n.normalised())
	n.backNorm(s, st.inProj, m)
}

// normalise makes what in_proj takes.
func (n *layerNetwork[A]) normalise(s layerOperations[A], m micro) A {
	act, eps := &n.act, float32(n.config.NormEps)
	switch n.config.Norm {
	case mamba.NormRMS:
		s.rmsNorm(shaders.RMSNormParams{Rows: m.tokens(), Width: n.config.DModel, Eps: eps}, act.x, n.norm.value, act.norm)
	case mamba.NormLayer:
		s.layerNorm(shaders.LayerNormParams{Rows: m.tokens(), Width: n.config.DModel, Eps: eps}, act.x, n.norm.value, n.normBias.value, act.norm)
	}
	return n.normalised()
}

// normalised is the array that in_proj takes.
func (n *layerNetwork[A]) normalised() A {
	if n.config.Norm == mamba.NormNone {
		return n.act.x
	}
	return n.act.norm
}

// backNorm adds the gradient of the input by way of in_proj and the norm to act.dy,
// which the residual has brought.
func (n *layerNetwork[A]) backNorm(s layerOperations[A], inProj linear[A], m micro) {
	act, eps := &n.act, float32(n.config.NormEps)
	if n.config.Norm == mamba.NormNone {
		inProj.input(s, act.w, act.dy, true)
		return
	}
	inProj.input(s, act.w, act.y, false)
	switch n.config.Norm {
	case mamba.NormRMS:
		s.rmsNormBackward(shaders.RMSNormBackwardParams{Rows: m.tokens(), Width: n.config.DModel, Eps: eps, Add: true},
			act.x, n.norm.value, act.y, act.dy, n.norm.gradient)
	case mamba.NormLayer:
		s.layerNormBackward(shaders.LayerNormBackwardParams{Rows: m.tokens(), Width: n.config.DModel, Eps: eps, Add: true},
			act.x, n.norm.value, act.y, act.dy, n.norm.gradient, n.normBias.gradient)
	}
}
