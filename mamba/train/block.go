package train

import "github.com/mambagpu/mambagpu/shaders"

// micro is the shape of one pass through the network: B sequences of L tokens.
type micro struct{ rows, length int }

func (m micro) tokens() int { return m.rows * m.length }

// stages are a block's stages, each with its sizes: one description for both
// directions.
type stages[A any] struct {
	inProj  linear[A]
	conv    shaders.CausalConvParams
	xProj   linear[A]
	dtProj  linear[A]
	decays  shaders.LogDecaysParams
	scan    shaders.SelectiveScanParams
	outProj linear[A]
}

func (n *network[A]) stages(i int, m micro) stages[A] {
	c, w, t := n.config, &n.blocks[i], m.tokens()
	d, e, r, ns, width := c.DModel, c.DInner, c.DTRank, c.DState, n.projWidth()
	return stages[A]{
		inProj: linear[A]{w: w.inProj, bias: w.inBias, rows: t, ldx: d, ldy: 2 * e, halvesY: n.halves},
		conv: shaders.CausalConvParams{
			Batch: m.rows, Length: m.length, Channels: e, Width: c.DConv, Stride: 2 * e,
			Bias: c.UseConvBias, SiLU: true, Fresh: true, Halves: n.halves,
		},
		xProj:  linear[A]{w: w.xProj, rows: t, ldx: e, ldy: width, halvesX: n.halves},
		dtProj: linear[A]{w: w.dtProj, rows: t, ldx: width, ldy: e},
		decays: shaders.LogDecaysParams{Channels: e, States: ns, Rest: 2 * e},
		scan: shaders.SelectiveScanParams{
			Batch: m.rows, Length: m.length, Channels: e, States: ns,
			BCStride: width, OffB: r, OffC: r + ns, ZStride: 2 * e, OffZ: e,
			HasZ: true, HasD: true, HasBias: true, Softplus: true, Fresh: true, Halves: n.halves,
		},
		outProj: linear[A]{w: w.outProj, bias: w.outBias, rows: t, ldx: e, ldy: d, halvesX: n.halves},
	}
}

// projWidth is W, the columns of x_proj.
func (n *network[A]) projWidth() int { return n.config.DTRank + 2*n.config.DState }

func (n *network[A]) normParams(rows int) shaders.RMSNormParams {
	return shaders.RMSNormParams{Rows: rows, Width: n.config.DModel, Eps: float32(n.config.NormEps)}
}

func (n *network[A]) normBackward(rows int, add bool) shaders.RMSNormBackwardParams {
	p := n.normParams(rows)
	return shaders.RMSNormBackwardParams{Rows: p.Rows, Width: p.Width, Eps: p.Eps, Add: add}
}

// forward runs layer i (alg. 2 of arXiv 2312.00752 in a gated, pre-norm residual
// block): from its input, act.residual[i], to the next one's.
func (n *network[A]) forward(s operations[A], i int, m micro) {
	n.mixer(s, i, m)
	act, st := &n.act, n.stages(i, m)
	s.copy(act.residual[i+1], 0, act.residual[i], 0, m.tokens()*n.config.DModel)
	st.outProj.forward(s, n.blocks[i].kept.y, act.residual[i+1], true) // (B, L, d)
}

// mixer is forward up to what out_proj multiplies. It leaves what the backward pass
// needs: that is how a layer is recomputed.
func (n *network[A]) mixer(s operations[A], i int, m micro) {
	w, act := &n.blocks[i], &n.act
	s.rmsNorm(n.normParams(m.tokens()), act.residual[i], w.norm.value, act.norm) // (B, L, d)
	n.mix(s, i, m, act.norm)                                                     // (B, L, E)
}

// mix is mixer of x (B, L, d), which is normalised already.
func (n *network[A]) mix(s operations[A], i int, m micro, x A) {
	w, act, st := &n.blocks[i], &n.act, n.stages(i, m)
	k := w.kept
	st.inProj.forward(s, x, k.xz, false)                                                           // (B, L, 2E)
	s.causalConv(st.conv, k.xz, w.conv.value, act.slots, act.convState, k.u)                       // (B, L, E)
	st.xProj.forward(s, k.u, k.p, false)                                                           // (B, L, W)
	n.steps(s, i, m)                                                                               // (B, L, E)
	s.selectiveScan(st.scan, k.u, act.delta, k.p, k.xz, act.decays, act.slots, act.scanState, k.y) // (B, L, E)
}

// steps makes what the scan reads beside what is kept: the step sizes, before bias
// and softplus, and the decays.
func (n *network[A]) steps(s operations[A], i int, m micro) {
	w, act, st := &n.blocks[i], &n.act, n.stages(i, m)
	st.dtProj.forward(s, w.kept.p, act.delta, false)
	s.logDecays(st.decays, w.scan.value, act.decays)
}

// backward runs layer i back: act.dres, the gradient of its output, becomes that of
// its input.
func (n *network[A]) backward(s operations[A], i int, m micro) {
	w, act := &n.blocks[i], &n.act
	last := i == len(n.blocks)-1 // all that it made but act.norm is there still
	if w.recompute && !last {
		n.mixer(s, i, m)
	} else {
		if !last {
			n.steps(s, i, m)
		}
		s.rmsNorm(n.normParams(m.tokens()), act.residual[i], w.norm.value, act.norm)
	}
	n.mixBackward(s, i, m, act.norm, act.norm)
	s.rmsNormBackward(n.normBackward(m.tokens(), true), act.residual[i], w.norm.value, act.norm, act.dres, w.norm.gradient)
}

// mixBackward is the backward pass of mix and out_proj: from act.dres to dx, the gradient
// of what is normalised, x, whose place it may take.
func (n *network[A]) mixBackward(s operations[A], i int, m micro, x, dx A) {
	w, act, st := &n.blocks[i], &n.act, n.stages(i, m)
	k := w.kept
	st.outProj.weights(s, act.dres, k.y)
	st.outProj.input(s, act.dres, act.du, false) // (B, L, E) of y

	s.clear(act.ddecays)
	s.selectiveScanBackward(st.scan, k.u, act.delta, k.p, k.xz, act.decays, act.slots, act.scanState,
		act.du, act.dp, act.dxz, act.ddecays) // of u, delta, B and C, z
	s.logDecaysBackward(st.decays, act.decays, act.ddecays, w.scan.gradient)

	st.dtProj.weights(s, act.delta, k.p)
	st.dtProj.input(s, act.delta, act.dp, false) // (B, L, R) of dt, in its columns
	st.xProj.weights(s, act.dp, k.u)
	st.xProj.input(s, act.dp, act.du, true)

	s.causalConvBackward(st.conv, k.xz, w.conv.value, act.du, act.dxz, w.conv.gradient) // of u, in its columns
	st.inProj.weights(s, act.dxz, x)
	st.inProj.input(s, act.dxz, dx, false) // (B, L, d)
}
