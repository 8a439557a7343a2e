package mamba

import "github.com/mambagpu/mambagpu/shaders"

// fusedStages is implemented by stages that can do several of a layer's at once.
// What lies between them is then nowhere to be seen: a trace does without.
type fusedStages[A any] interface {
	stages[A]
	// fuses reports whether stages may be done together.
	fuses() bool
	// stepForm says how a layer's step of a batch of single tokens runs.
	stepForm(b batch) stepForm
	normMatvec(p shaders.NormMatvecParams, a, gain, w, bias, c A)
	inProjStep(p shaders.InProjStepParams, a, w, small, slots, wx, state, uz, parts A)
	xProjStep(p shaders.XProjStepParams, conv, slots, wx, state, uz, parts A)
	inProjRows(p shaders.InProjRowsParams, a, w, small, slots, state, uz A)
	dtScanStep(p shaders.DtScanStepParams, uz, parts, wdt, weights, slots, state, y A)
	scanGateStep(p shaders.ScanGateStepParams, parts, wdt, weights, slots, w, u, state, yz A)
	outProjStep(p shaders.OutProjStepParams, yz, w, c, gain, next A)
	chooseEmbed(p shaders.ChooseEmbedParams, best, seen, draws, chosen, ids, table, out A)
	matmulSum(p shaders.MatmulSumParams, parts, bias, c A)
	layersStep(p shaders.LayersStepParams, t *together[A], residual, slots A)
	flowInStep(p shaders.FlowInStepParams, before, w, small, slots, wx, state, next A)
	flowOutStep(p shaders.FlowOutStepParams, flow, wdt, weights, slots, state, w A)
	flowEnd(p shaders.FlowEndParams, even, odd, residual A)
}

// stepForm is how a layer's step runs. The zero value is stage by stage. Otherwise
// three kernels do it:
//
//	in_proj_step   residual -> u, z, x_proj's sums over groups of channels
//	dt_scan_step   -> y
//	matvec         residual += W_out y
//
// or, if not whole, norm_matvec (of some rows rms_norm and a product) and x_proj_step
// in the place of the first. Where W_in is large, the product that gives z moves to the
// second, which alone keeps few of a GPU's processors busy:
//
//	in_proj_step     residual -> u, x_proj's sums
//	scan_gate_step   -> y, silu(z)
//	out_proj_step    residual += W_out (y . silu(z))
//
// Ready, of one sequence, the last of these also normalises the residual for the layer
// after, whose groups of channels are then as many as a large GPU has processors.
//
// Of three or more sequences there is one group, whose sums x_proj makes at once:
//
//	in_proj_rows   residual -> u, z
//	matmul_lanes   -> x_proj of u
//	dt_scan_rows   -> y
//	matmul_lanes   residual += W_out y
//
// Of more sequences than those kernels take, or where rows of weights are too long for
// them, the groups' sums are added up before the scan, which is dt_scan_rows then.
//
// Of one sequence and float weights of a small model two do, whose sums over channels meet
// in bins of whole numbers (shaders.StepFlow), and one ends the step:
//
//	in_proj_step   the layer before's flow -> u, z, x_proj's sums
//	flow_out_step  -> out_proj's sums
//
// Of one sequence all layers may run at once, by workgroups that wait for each other, in
// layers_step.
type stepForm struct {
	together int // workgroups of layers_step
	group    int // channels of a group
	whole    bool
	many     bool
	flow     bool
	ready    bool
	sums     bool // x_proj's sums over the groups are added up before the scan
}

// These bound the groups of in_proj_step, whose sums every workgroup of the next kernel
// reads: on an H100 2.8b's 160 groups cost 0.7 us more than 80, and 320 another 1.4 us.
// Integers take so much work that more workgroups are worth it: 2.8b's 320 groups take
// 11.4 us of 8 bits where 160 take 13.8.
const (
	maxWholeGroups        = 160
	maxWholeIntegerGroups = 320
)

// maxReadyGroups bounds the groups where rows are made ready for them: an NVIDIA H100 has 132
// processors.
const maxReadyGroups = 128

// fewSums is the number of sequences up to which every workgroup of the scan adds up the
// sums of the groups by itself.
const fewSums = 8

// newStepForm chooses the form for rows sequences, where an array may have most
// elements, W_in has so many shards, and its weights are integers or not.
func newStepForm(c ModelConfig, rows, most, shards int, integers bool) stepForm {
	outputs := c.DTRank + 2*c.DState
	if outputs > shaders.MaxDtScanStepOutputs {
		return stepForm{}
	}
	f := stepForm{group: 64}
	if f.whole = rows <= shaders.MaxInProjStepRows && shards == 1 && outputs <= shaders.MaxInProjStepOutputs; f.whole {
		groups := maxWholeGroups
		if integers {
			groups = maxWholeIntegerGroups
		}
		for f.group = 16; f.group < 64 && c.DInner > groups*f.group; f.group *= 2 {
		}
	}
	if rows >= shaders.MinLaneRows && shards == 1 && fitsRows(c, rows) {
		f = stepForm{group: c.DInner, many: true}
	}
	if !f.whole && !f.many && rows > fewSums && f.groups(c) > 1 && shaders.DtScanRowsFits(dtScanRows(c, rows)) {
		f.sums = true
	}
	if f.parts(c, rows) > most {
		return stepForm{}
	}
	return f
}

// makesReady is the form f of a step of one sequence with rows made ready, if all layers'
// kernels have room for it, which fits reports of in_proj_step.
func (n *network[A]) makesReady(f stepForm, fits func(p shaders.InProjStepParams) bool) (stepForm, bool) {
	c := n.config
	f.ready = true
	for f.group = 16; f.groups(c) > maxReadyGroups && f.group < 64; f.group += 8 {
	}
	for i := range n.blocks {
		w := &n.blocks[i]
		if !f.whole || !n.splits(w) || c.DInner < 2*c.DModel || !fits(n.inProjStep(w, batch{rows: 1}, f)) {
			return stepForm{}, false
		}
	}
	return f, true
}

// fitsRows reports whether the kernels for many sequences take a model's sizes.
func fitsRows(c ModelConfig, rows int) bool {
	return shaders.InProjRowsFits(inProjRows(c, rows)) && shaders.MatmulLanesFits(xProjRows(c, rows)) &&
		shaders.DtScanRowsFits(dtScanRows(c, rows))
}

// dtScanRows is the scan from whole sums.
func dtScanRows(c ModelConfig, rows int) shaders.DtScanStepParams {
	return shaders.DtScanStepParams{Rows: rows, Channels: c.DInner, Rank: c.DTRank, States: c.DState, Groups: 1}
}

func inProjRows(c ModelConfig, rows int) shaders.InProjRowsParams {
	return shaders.InProjRowsParams{
		Rows: rows, Width: c.DModel, Channels: c.DInner, Taps: c.DConv, Eps: float32(c.NormEps), ConvBias: c.UseConvBias, Bias: c.UseBias,
	}
}

// xProjRows is the product of u, which lies beside z, into whole sums.
func xProjRows(c ModelConfig, rows int) shaders.MatmulParams {
	outputs := c.DTRank + 2*c.DState
	return shaders.MatmulParams{
		M: rows, N: outputs, K: c.DInner, LDA: 2 * c.DInner, LDC: shaders.XProjStepParams{Outputs: outputs}.PartsStride(),
	}
}

// fused reports whether the step does not run stage by stage.
func (f stepForm) fused() bool { return f.group > 0 || f.together > 0 }

// groups is the number of groups of channels.
func (f stepForm) groups(c ModelConfig) int { return (c.DInner + f.group - 1) / f.group }

// parts is the number of elements of x_proj's sums.
func (f stepForm) parts(c ModelConfig, rows int) int {
	if f.group == 0 {
		return 0
	}
	p := shaders.InProjStepParams{
		Rows: rows, Width: c.DModel, Channels: c.DInner, Outputs: c.DTRank + 2*c.DState, Group: f.group, Split: f.whole,
	}
	return p.PartsCount()
}

// splitBytes is the size of the half of W_in that gives z from which on its product
// moves to the scan's dispatch. Tests change it.
var splitBytes = 6 << 20

// splits reports whether the product that gives z runs beside the scan: where it is
// large, and rows are whole blocks of weights.
func (n *network[A]) splits(w *block[A]) bool {
	c, in, out := n.config, w.inProj.dtype, w.outProj.dtype
	return c.DInner*shaders.RowBytes(in, c.DModel) >= splitBytes && !c.UseBias && len(w.outProj.shards) == 1 &&
		c.DModel <= shaders.MaxScanGateStepWidth && c.DModel%shaders.Stride(in, 1) == 0 &&
		c.DInner <= shaders.MaxOutProjStepChannels && c.DInner%shaders.Stride(out, 1) == 0
}

// fusing is s with its fused stages, if a batch may use them.
func fusing[A any](s stages[A]) (fusedStages[A], bool) {
	f, ok := s.(fusedStages[A])
	return f, ok && f.fuses()
}

// step runs layer i for one token of every sequence.
func (n *network[A]) step(s fusedStages[A], i int, b batch, f stepForm) {
	c, w, act := n.config, &n.blocks[i], &n.act
	d, e, r, ns := c.DModel, c.DInner, c.DTRank, c.DState
	switch {
	case f.flow:
		n.flowStep(s, i, f)
		return
	case f.many:
		p := inProjRows(c, b.rows)
		p.Weights = w.inProj.dtype
		s.inProjRows(p, act.residual, w.inProj.shards[0].data, w.small, act.slots, w.convState, act.xz) // (B, 2E)
		linear(s, xProjRows(c, b.rows), act.xz, w.xProj, *new(A), act.parts)                            // (B, R+2N)
	case f.whole && n.splits(w):
		n.splitStep(s, i, b, f)
		return
	case f.whole:
		s.inProjStep(n.inProjStep(w, b, f), act.residual, w.inProj.shards[0].data, w.small, act.slots, w.xTurned, w.convState, act.xz, act.parts) // (B, 2E), (groups, B, R+2N)
	default:
		product := shaders.MatmulParams{M: b.rows, N: 2 * e, K: d, LDA: d, LDC: 2 * e, Bias: c.UseBias}
		n.normLinear(s, product, act.residual, w.norm, w.inProj, w.inBias, act.xz, func() {}) // (B, 2E)
		s.xProjStep(shaders.XProjStepParams{
			Rows: b.rows, Channels: e, Taps: c.DConv, Outputs: r + 2*ns, Group: f.group,
			XWeights: w.xProj.dtype, ConvBias: c.UseConvBias,
		}, w.conv, act.slots, w.xProj.shards[0].data, w.convState, act.xz, act.parts) // (B, 2E), (groups, B, R+2N)
	}
	scan, parts := dtScanRows(c, b.rows), act.parts
	scan.Weights, scan.Groups = w.dtType, f.groups(c)
	if f.sums { // whose rows are whole vectors
		width := r + 2*ns
		s.matmulSum(shaders.MatmulSumParams{M: b.rows, N: width, Parts: scan.Groups, LDC: width}, act.parts, *new(A), act.p) // (B, R+2N)
		scan.Groups, parts = 1, act.p
	}
	s.dtScanStep(scan, act.xz, parts, w.dtProj, w.scan, act.slots, w.scanState, act.y)                                                   // (B, E)
	n.addLinear(s, shaders.MatmulParams{M: b.rows, N: d, K: e, LDA: e, LDC: d, Bias: c.UseBias}, act.y, w.outProj, w.outBias, func() {}) // (B, d)
}

// stepTogether runs all layers for one token of one sequence.
func (n *network[A]) stepTogether(s fusedStages[A], f stepForm) {
	p := n.layersParams()
	p.Workgroups = f.together
	s.layersStep(p, n.together, n.act.residual, n.act.slots) // (B, d)
}

// layersParams is layers_step of the network, of one slot and no workgroups yet.
func (n *network[A]) layersParams() shaders.LayersStepParams {
	c, w := n.config, &n.blocks[0]
	return shaders.LayersStepParams{
		Layers: c.NLayer, Width: c.DModel, Channels: c.DInner, Taps: c.DConv, Rank: c.DTRank, States: c.DState, Slots: 1, Eps: float32(c.NormEps),
		Weights: w.inProj.dtype, XWeights: w.xProj.dtype, DtWeights: w.dtType, OutWeights: w.outProj.dtype, ConvBias: c.UseConvBias,
	}
}

// inProjStep is in_proj_step of a layer, with z or without.
func (n *network[A]) inProjStep(w *block[A], b batch, f stepForm) shaders.InProjStepParams {
	c := n.config
	return shaders.InProjStepParams{
		Rows: b.rows, Width: c.DModel, Channels: c.DInner, Taps: c.DConv, Outputs: c.DTRank + 2*c.DState, Group: f.group, Eps: float32(c.NormEps),
		Weights: w.inProj.dtype, XWeights: w.xProj.dtype, ConvBias: c.UseConvBias, Bias: c.UseBias, Split: n.splits(w),
	}
}

// splitStep is step where the product that gives z runs beside the scan.
func (n *network[A]) splitStep(s fusedStages[A], i int, b batch, f stepForm) {
	c, w, act := n.config, &n.blocks[i], &n.act
	in, row := n.inProjStep(w, b, f), act.residual
	if f.ready && i > 0 {
		in.Squares, row = n.outProjStep(i-1, b, f).Squares(), act.y
	}
	s.inProjStep(in, row, w.inProj.shards[0].data, w.small, act.slots, w.xTurned, w.convState, act.u, act.parts) // (B, E), (groups, B, R+2N)
	s.scanGateStep(shaders.ScanGateStepParams{
		Rows: b.rows, Width: c.DModel, Channels: c.DInner, Rank: c.DTRank, States: c.DState, Groups: f.groups(c),
		Weights: w.inProj.dtype, DtWeights: w.dtType, OutWeights: w.outProj.dtype,
	}, act.parts, w.dtProj, w.scan, act.slots, w.inProj.shards[0].data, act.u, w.scanState, act.xz) // (B, 2E)
	out, gain := n.outProjStep(i, b, f), *new(A)
	if out.Next {
		gain = n.blocks[i+1].norm
	}
	s.outProjStep(out, act.xz, w.outProj.shards[0].data, act.residual, gain, act.y) // (B, d)
}

// outProjStep is out_proj_step of layer i.
func (n *network[A]) outProjStep(i int, b batch, f stepForm) shaders.OutProjStepParams {
	c := n.config
	p := shaders.OutProjStepParams{Rows: b.rows, Width: c.DModel, Channels: c.DInner, Weights: n.blocks[i].outProj.dtype}
	if p.Next = f.ready && i+1 < len(n.blocks); p.Next {
		p.NextWeights = n.blocks[i+1].inProj.dtype
	}
	return p
}

// flows reports whether a step of one sequence may have flows: layers are small, their
// weights floats, and what the kernels take.
func (n *network[A]) flows() bool {
	for i := range n.blocks {
		w := &n.blocks[i]
		if n.splits(w) || w.inProj.dtype.Quantized() || w.xProj.dtype.Quantized() || len(w.outProj.shards) > 1 || !shaders.FlowOutStepFits(n.flowOut(w)) {
			return false
		}
	}
	return !n.config.UseBias
}

func (n *network[A]) flowOut(w *block[A]) shaders.FlowOutStepParams {
	c := n.config
	return shaders.FlowOutStepParams{
		Width: c.DModel, Channels: c.DInner, Rank: c.DTRank, States: c.DState, DtWeights: w.dtType, OutWeights: w.outProj.dtype,
	}
}

// flowEnd is the end of a step of all layers with flows.
func (n *network[A]) flowEnd() shaders.FlowEndParams {
	return shaders.FlowEndParams{Layers: len(n.blocks), Flow: n.flowOut(&n.blocks[0]).Flow()}
}

// flowStep is step by flows. Those of even layers and those of odd ones lie in two arrays.
func (n *network[A]) flowStep(s fusedStages[A], i int, f stepForm) {
	c, w, act := n.config, &n.blocks[i], &n.act
	before := act.residual
	if i > 0 {
		before = act.flows[i-1]
	}
	s.flowInStep(shaders.FlowInStepParams{
		Width: c.DModel, Channels: c.DInner, Taps: c.DConv, Outputs: c.DTRank + 2*c.DState, Group: f.group, Eps: float32(c.NormEps),
		Weights: w.inProj.dtype, XWeights: w.xProj.dtype, ConvBias: c.UseConvBias, First: i == 0,
	}, before, w.inProj.shards[0].data, w.small, act.slots, w.xTurned, w.convState, act.flows[i])
	s.flowOutStep(n.flowOut(w), act.flows[i], w.dtProj, w.scan, act.slots, w.scanState, w.outColumns)
	if i == len(n.blocks)-1 {
		s.flowEnd(n.flowEnd(), act.flowArrays[0], act.flowArrays[1], act.residual) // (B, d)
	}
}

// normLinear is linear of the rows of x, normalised with gain: in one kernel where
// there are one or two, or a few that lanes do not share, else through act.norm, which
// normed is told of.
func (n *network[A]) normLinear(s stages[A], p shaders.MatmulParams, x, gain A, w matrix[A], bias, c A, normed func()) {
	eps := float32(n.config.NormEps)
	f, ok := fusing(s)
	lanes := p.M >= shaders.MinLaneRows && shaders.MatmulLanesFits(p)
	if !ok || lanes || p.M > shaders.MaxMatvecRows {
		s.rmsNorm(shaders.RMSNormParams{Rows: p.M, Width: p.K, Eps: eps}, x, gain, n.act.norm)
		normed()
		linear(s, p, n.act.norm, w, bias, c)
		return
	}
	for _, part := range w.shards {
		f.normMatvec(shaders.NormMatvecParams{
			M: p.M, N: part.rows, K: p.K, LDC: p.LDC, OffC: part.first, Eps: eps,
			Weights: w.dtype, Bias: p.Bias, OffBias: part.first,
		}, x, gain, part.data, bias, c)
	}
}

// addLinear adds a product to the residual, in a trace through act.norm, which
// multiplied is told of.
func (n *network[A]) addLinear(s stages[A], p shaders.MatmulParams, a A, w matrix[A], bias A, multiplied func()) {
	if _, ok := fusing(s); ok {
		p.Add = true
		linear(s, p, a, w, bias, n.act.residual)
		return
	}
	linear(s, p, a, w, bias, n.act.norm)
	multiplied()
	s.residualAdd(shaders.ResidualAddParams{Count: p.M * p.N}, n.act.residual, n.act.norm)
}
