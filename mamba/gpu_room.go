package mamba

import (
	"errors"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// chunkTokens is large enough for the matrix products to be efficient: on a
// discrete GPU so large that the last round of tiles is a small part of them, on a
// software adapter so small that progress is seen.
func (g *gpuBackend) chunkTokens() int {
	want := 2048
	switch g.dev.Info().Kind {
	case wgpu.CPU:
		want = 256
	case wgpu.Discrete:
		for want < 16384 && 2*want*g.tokenBytes() <= chunkBytes {
			want *= 2
		}
	}
	return min(want, g.most)
}

// chunkBytes is what a chunk's activations may take where a shorter one would do: a
// small part of a GPU's memory.
const chunkBytes = 640 << 20

// tokenBytes is the size of a token's activations.
func (g *gpuBackend) tokenBytes() int {
	n := 0
	for _, a := range g.perToken() {
		n += 4 * a.width
	}
	return n
}

// elements is the number of 32-bit words that one binding can have.
func (g *gpuBackend) elements() int {
	l := g.dev.Limits()
	return int(min(l.MaxStorageBinding, l.MaxBufferSize, 1<<32) / 4)
}

func (g *gpuBackend) maxRows() int {
	return min(g.elements()/max(g.net.config.VocabSize, 2*shaders.HistogramBins), g.most)
}

// reserveSlots makes room for n states: for twice as many as before, or where
// the device has none for that, for n.
func (g *gpuBackend) reserveSlots(n int) error {
	if n <= g.slots {
		return nil
	}
	if double := 2 * g.slots; double > n {
		if err := g.growSlots(double); !exhausted(err) {
			return err
		}
	}
	return g.growSlots(n)
}

// exhausted reports whether err is for want of room on the device.
func exhausted(err error) bool {
	var limit *wgpu.LimitError
	var memory *wgpu.MemoryError
	return errors.As(err, &limit) || errors.As(err, &memory)
}

// growSlots moves the states to buffers for n.
func (g *gpuBackend) growSlots(n int) error {
	c := g.net.config
	pass := g.dev.NewPass("mamba.grow")
	var old []*wgpu.Buffer
	grow := func(b **wgpu.Buffer, label string, size int) error {
		next, err := newBuffer(g.dev, label, uint64(n)*uint64(size)*4)
		if err != nil {
			return err
		}
		if *b != nil {
			pass.Copy(next, 0, *b, 0, uint64(g.slots)*uint64(size)*4)
			old = append(old, *b)
		}
		*b = next
		return nil
	}
	before, next := slices.Clone(g.net.blocks), []*wgpu.Buffer(nil)
	err := func() (err error) {
		if g.net.together != nil {
			next, err = g.growTogether(n, pass)
			return err
		}
		for i := range g.net.blocks {
			b := &g.net.blocks[i]
			err = errors.Join(err,
				grow(&b.convState, "conv_state", c.DInner*(c.DConv-1)),
				grow(&b.scanState, "ssm_state", c.DInner*c.DState))
			if err != nil {
				return err
			}
		}
		return nil
	}()
	if err == nil {
		err = pass.Submit()
	}
	if err != nil {
		g.restore(before)
		closeAll(next)
		return err
	}
	if t := g.net.together; t != nil {
		old = append(old, t.convState, t.scanState)
		t.convState, t.scanState = next[0], next[1]
	}
	closeAll(old)
	g.plans.drop()
	g.slots = n
	return nil
}

// restore gives back the states that replaced those of before.
func (g *gpuBackend) restore(before []block[*wgpu.Buffer]) {
	for i := range before {
		now := &g.net.blocks[i]
		if now.convState != before[i].convState {
			closeAll([]*wgpu.Buffer{now.convState})
		}
		if now.scanState != before[i].scanState {
			closeAll([]*wgpu.Buffer{now.scanState})
		}
	}
	copy(g.net.blocks, before)
}

func closeAll(buffers []*wgpu.Buffer) {
	for _, b := range buffers {
		if b != nil {
			b.Close()
		}
	}
}

// reserveTokens makes room for n tokens or, where memory does not suffice, for
// half as many, and so on; it does not ask for more again.
func (g *gpuBackend) reserveTokens(n int) (int, error) {
	n = min(n, max(g.most, 1))
	if n <= g.tokens {
		return n, nil
	}
	g.plans.drop()
	g.dropActivations()
	for size := min(max(n, 16), max(g.most, 1)); ; size /= 2 {
		err := g.makeActivations(size)
		if err == nil {
			g.tokens = size
			return min(n, size), nil
		}
		g.dropActivations()
		if size == 1 || !exhausted(err) {
			return 0, err
		}
		g.most = size / 2
	}
}

// widest is the largest number of elements that a token has in an activation.
func (g *gpuBackend) widest() int {
	width := 1
	for _, a := range g.perToken() {
		width = max(width, a.width)
	}
	return width
}

// perToken lists the activations that have a row for each token.
func (g *gpuBackend) perToken() []activation {
	c, a := g.net.config, &g.net.act
	return []activation{
		{&a.ids, "ids", 1}, {&a.residual, "residual", c.DModel}, {&a.norm, "norm", c.DModel},
		{&a.xz, "in_proj", 2 * c.DInner}, {&a.u, "conv", c.DInner}, {&a.p, "x_proj", c.DTRank + 2*c.DState},
		{&a.delta, "delta", c.DInner}, {&a.y, "scan", c.DInner},
	}
}

type activation struct {
	buffer **wgpu.Buffer
	label  string
	width  int
}

func (g *gpuBackend) makeActivations(tokens int) error {
	for _, a := range g.perToken() {
		b, err := newBuffer(g.dev, a.label, uint64(tokens)*uint64(a.width)*4)
		if err != nil {
			return err
		}
		*a.buffer = b
	}
	return nil
}

func (g *gpuBackend) dropActivations() {
	g.turn = nil
	for _, a := range g.perToken() {
		closeAll([]*wgpu.Buffer{*a.buffer})
		*a.buffer = nil
	}
	g.tokens = 0
}

// reserveOutputs makes room for a batch's rows and logits.
func (g *gpuBackend) reserveOutputs(b batch) error {
	a := &g.net.act
	if b.rows > g.rows {
		g.bound = nil
		if err := g.replace(&a.slots, "slots", 3*b.rows); err != nil {
			return err
		}
		if err := g.replace(&a.last, "last", b.rows*g.net.config.DModel); err != nil {
			return err
		}
		g.rows = b.rows
	}
	if n := b.logitRows(); n > g.logits {
		if err := g.replace(&a.logits, "logits", n*g.net.config.VocabSize); err != nil {
			return err
		}
		g.logits = n
	}
	if b.output == lastChoice {
		if err := g.reserveChoice(b); err != nil {
			return err
		}
	}
	return g.reserveStep(b)
}

// reserveScratch makes room for the parts of products whose sums are split. Where
// there is none, they are not.
func (g *gpuBackend) reserveScratch(b batch) error {
	c, block, most := g.net.config, &g.net.blocks[0], 0
	for _, product := range []struct {
		rows int
		w    matrix[*wgpu.Buffer]
		ldc  int
	}{
		{b.tokens(), block.inProj, 2 * c.DInner}, {b.tokens(), block.xProj, c.DTRank + 2*c.DState},
		{b.tokens(), block.outProj, c.DModel}, {b.logitRows(), g.net.head, c.VocabSize},
	} {
		if product.rows <= shaders.MaxMatvecRows {
			continue
		}
		for _, part := range product.w.shards {
			p := shaders.MatmulParams{M: product.rows, N: part.rows, K: product.w.cols, LDA: product.w.cols, LDC: product.ldc, Weights: product.w.dtype}
			if !shaders.MatmulLanesFits(p) {
				most = max(most, g.kernels.MatmulScratch(p))
			}
		}
	}
	if most <= g.scratchWords() {
		return nil
	}
	err := g.replace(&g.scratch, "product parts", most)
	if exhausted(err) {
		return nil
	}
	return err
}

// scratchWords is the number of words that there are for the parts of a product.
func (g *gpuBackend) scratchWords() int {
	if g.scratch == nil {
		return 0
	}
	return int(g.scratch.Size() / 4)
}

// reserveStep makes room for what the kernels of a step leave for the next one. Where
// there is none, a step runs without them.
func (g *gpuBackend) reserveStep(b batch) error {
	if b.length > 1 {
		return nil
	}
	f := g.wantedForm(b)
	if err := g.reserveFlows(b, f); err != nil {
		return err
	}
	n := f.parts(g.net.config, b.rows)
	if n <= g.parts {
		return nil
	}
	if err := g.replace(&g.net.act.parts, "x_proj parts", n); err != nil {
		if exhausted(err) {
			return nil
		}
		return err
	}
	g.parts = n
	return nil
}

// reserveFlows makes the flows of a step that has them, of zeros, and the copies of W_out that
// it reads. Where there is no room, steps run without them.
func (g *gpuBackend) reserveFlows(b batch, f stepForm) error {
	if !f.flow || g.runsTogether(b) || g.net.act.flows != nil {
		return nil
	}
	made, err := g.makeFlows()
	if err == nil {
		g.weights = append(g.weights, made...)
		return nil
	}
	g.net.act.flows = nil
	closeAll(made)
	if exhausted(err) {
		g.noFlows = true
		return nil
	}
	return err
}

// makeFlows is reserveFlows, with the buffers that it made, also when it failed.
func (g *gpuBackend) makeFlows() (made []*wgpu.Buffer, err error) {
	for i := range g.net.blocks {
		w := &g.net.blocks[i]
		rows := w.outProj.shards[0].data
		columns, err := newBuffer(g.dev, "out_proj columns", rows.Size())
		if err != nil {
			return made, err
		}
		made = append(made, columns)
		image := make([]byte, rows.Size())
		if err := rows.Read(0, image); err != nil {
			return made, err
		}
		if err := columns.Write(0, shaders.BlockColumns(image, g.net.config.DModel)); err != nil {
			return made, err
		}
		w.outColumns = columns
	}
	p, flows := g.net.flowEnd(), make([]*wgpu.Buffer, len(g.net.blocks))
	for i := range g.net.act.flowArrays {
		whole, parts, err := g.layers("flow", 4*uint64(p.Flow.Words()), (len(flows)+1)/2)
		if err != nil {
			return made, err
		}
		made = append(made, whole)
		g.net.act.flowArrays[i] = whole
		for k := i; k < len(flows); k += 2 {
			flows[k] = parts[k/2]
		}
	}
	g.net.act.flows = flows
	return made, nil
}

// wantedForm is how a step is to run.
func (g *gpuBackend) wantedForm(b batch) stepForm {
	shards, integers := 1, false
	for i := range g.net.blocks { // which may be of several types
		block := &g.net.blocks[i]
		if len(block.xProj.shards) > 1 {
			return stepForm{}
		}
		shards = max(shards, len(block.inProj.shards))
		integers = integers || block.inProj.dtype.Quantized()
	}
	f := newStepForm(g.net.config, b.rows, g.elements(), shards, integers)
	if b.rows > 1 {
		return f
	}
	ready, ok := g.net.makesReady(f, func(p shaders.InProjStepParams) bool {
		return shaders.InProjStepReadies(p, g.dev.Limits())
	})
	if ok {
		return ready
	}
	f.flow = f.whole && !g.noFlows && g.net.flows()
	return f
}

// stepForm is how a step runs in the room that there is.
func (g *gpuBackend) stepForm(b batch) stepForm {
	if g.runsTogether(b) {
		return stepForm{together: g.net.together.workgroups}
	}
	if f := g.wantedForm(b); f.parts(g.net.config, b.rows) <= g.parts {
		return f
	}
	return stepForm{}
}

// replace makes a larger array in place of another whose contents are done
// with.
func (g *gpuBackend) replace(b **wgpu.Buffer, label string, words int) error {
	next, err := newBuffer(g.dev, label, uint64(words)*4)
	if err != nil {
		return err
	}
	g.plans.drop()
	g.turn = nil
	closeAll([]*wgpu.Buffer{*b})
	*b = next
	return nil
}
