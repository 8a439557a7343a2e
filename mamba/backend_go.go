package mamba

import (
	"runtime"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// GoAdapter is the name of the pure-Go backend, which runs the kernels' twins
// on all processors. Its weights are float32 whatever the checkpoint's type.
const GoAdapter = "go"

// hostArray is an array of the Go backend: numbers or integers.
type hostArray struct {
	f32 []float32
	u32 []uint32
}

type goBackend struct {
	net   *network[hostArray]
	slots int
}

func newGoBackend(c ModelConfig, src source) (*goBackend, error) {
	net, err := loadNetwork(c, src, hostStore{})
	if err != nil {
		return nil, err
	}
	return &goBackend{net: net}, nil
}

// hostStore keeps arrays as float32 in memory.
type hostStore struct{}

func (hostStore) array(_ string, values []float32) (hostArray, error) {
	return hostArray{f32: values}, nil
}

func (hostStore) matrix(_ string, t, scales *checkpoint.Tensor, rows, cols int) (matrix[hostArray], error) {
	values, err := readMatrix(t, scales, rows, cols)
	return matrix[hostArray]{cols: cols, shards: []shard[hostArray]{{0, rows, hostArray{f32: values}}}}, err
}

func (h hostStore) xProj(label string, t, scales *checkpoint.Tensor, rows, cols int) (matrix[hostArray], hostArray, error) {
	m, err := h.matrix(label, t, scales, rows, cols)
	return m, hostArray{}, err
}

func (hostStore) dtProj(_ string, t *checkpoint.Tensor, _, _ int) (hostArray, shaders.DType, error) {
	values, err := readFloats(t)
	return hostArray{f32: values}, shaders.F32, err
}

func (g *goBackend) info() wgpu.AdapterInfo {
	return goAdapterInfo()
}

func goAdapterInfo() wgpu.AdapterInfo {
	return wgpu.AdapterInfo{Name: GoAdapter, Vendor: "mambagpu", Backend: "Go", Kind: wgpu.CPU, Driver: runtime.Version()}
}

func (g *goBackend) chunkTokens() int { return 256 }
func (g *goBackend) maxRows() int     { return 1 << 16 }

func (g *goBackend) reserveSlots(n int) error {
	if n <= g.slots {
		return nil
	}
	c := g.net.config
	for i := range g.net.blocks {
		b := &g.net.blocks[i]
		grow(&b.convState, n*c.DInner*(c.DConv-1))
		grow(&b.scanState, n*c.DInner*c.DState)
	}
	g.slots = n
	return nil
}

func (g *goBackend) reserveTokens(n int) (int, error) {
	c, a := g.net.config, &g.net.act
	for _, s := range []struct {
		array *hostArray
		width int
	}{
		{&a.residual, c.DModel}, {&a.norm, c.DModel}, {&a.xz, 2 * c.DInner}, {&a.u, c.DInner},
		{&a.p, c.DTRank + 2*c.DState}, {&a.delta, c.DInner}, {&a.y, c.DInner},
	} {
		grow(s.array, n*s.width)
	}
	return n, nil
}

// grow lengthens an array with zeros.
func grow(a *hostArray, n int) {
	if n > len(a.f32) {
		a.f32 = append(a.f32, make([]float32, n-len(a.f32))...)
	}
}

// states calls f with the states of two slots in every array of states.
func (g *goBackend) states(dst, src int, f func(dst, src []float32)) {
	c := g.net.config
	for i := range g.net.blocks {
		b := &g.net.blocks[i]
		for _, s := range []struct {
			data []float32
			size int
		}{{b.convState.f32, c.DInner * (c.DConv - 1)}, {b.scanState.f32, c.DInner * c.DState}} {
			f(s.data[dst*s.size:(dst+1)*s.size], s.data[src*s.size:(src+1)*s.size])
		}
	}
}

func (g *goBackend) clearState(slot int) error {
	g.states(slot, slot, func(dst, _ []float32) { clear(dst) })
	return nil
}

func (g *goBackend) copyState(dst, src int) error {
	g.states(dst, src, func(dst, src []float32) { copy(dst, src) })
	return nil
}

func (g *goBackend) run(b batch, ids, slots []uint32) (result, error) {
	a := &g.net.act
	a.draws.u32, a.chosen.u32 = make([]uint32, b.rows*shaders.DrawWords), make([]uint32, ring*b.rows)
	return g.forward(hostStages{}, b, ids, slots)
}

func (g *goBackend) trace(b batch, ids, slots []uint32, has func(name string) bool, hook func(Stage) error) error {
	var err error
	_, _ = g.forward(hostStages{has: func(name string) bool { return err == nil && has(name) },
		hook: func(s Stage) { err = hook(s) }}, b, ids, slots)
	return err
}

func (g *goBackend) forward(s hostStages, b batch, ids, slots []uint32) (result, error) {
	a := &g.net.act
	a.ids.u32, a.slots.u32 = ids, slots
	grow(&a.last, b.rows*g.net.config.DModel)
	grow(&a.logits, b.logitRows()*g.net.config.VocabSize)
	if b.output == lastChoice {
		best := b.choiceParams(g.net.config).Best()
		grow(&a.best, best)
		grow(&a.scores, best)
	}
	forward(s, g.net, b)
	var r result
	switch b.output {
	case lastLogits, allLogits:
		r.logits = append(r.logits, a.logits.f32[:b.logitRows()*g.net.config.VocabSize]...)
	case lastChoice:
		r.best = ids[:b.rows]
	}
	return r, nil
}

func (g *goBackend) memoryInUse() uint64 {
	a := &g.net.act
	n := int(g.net.config.Parameters()) + g.slots*StateSize(g.net.config)/4
	for _, s := range []hostArray{a.residual, a.norm, a.xz, a.u, a.p, a.delta, a.y, a.last, a.logits} {
		n += len(s.f32)
	}
	return 4 * uint64(n)
}

func (g *goBackend) usage() wgpu.Usage { return wgpu.Usage{} }

func (g *goBackend) close() error {
	g.net = nil
	return nil
}

// hostStages runs the twins at once.
type hostStages struct {
	has  func(name string) bool // of a trace: the stages that hook gets
	hook func(Stage)
}

func (hostStages) embedding(p shaders.EmbeddingParams, ids, table, out hostArray) {
	cpu.Embedding(p, ids.u32, table.f32, out.f32)
}

func (hostStages) rmsNorm(p shaders.RMSNormParams, x, weight, y hostArray) {
	cpu.RMSNorm(p, x.f32, weight.f32, y.f32)
}

func (hostStages) matmul(p shaders.MatmulParams, a, w, bias, c hostArray) {
	cpu.Matmul(p, a.f32, w.f32, bias.f32, c.f32)
}

func (hostStages) causalConv(p shaders.CausalConvParams, x, weights, slots, state, y hostArray) {
	cpu.CausalConv(p, x.f32, weights.f32, slots.u32, state.f32, y.f32)
}

func (hostStages) dtProj(p shaders.DtProjParams, x, w, bias, delta hostArray) {
	cpu.DtProj(p, x.f32, w.f32, bias.f32, delta.f32)
}

func (hostStages) selectiveScan(p shaders.SelectiveScanParams, u, delta, bc, z, weights, slots, state, y hostArray) {
	cpu.SelectiveScan(p, u.f32, delta.f32, bc.f32, z.f32, weights.f32, slots.u32, state.f32, y.f32)
}

func (hostStages) residualAdd(p shaders.ResidualAddParams, r, x hostArray) {
	cpu.ResidualAdd(p, r.f32, x.f32)
}

func (hostStages) lastRows(p shaders.LastRowsParams, x, slots, y hostArray) {
	cpu.LastRows(p, x.f32, slots.u32, y.f32)
}

func (s hostStages) note(name string, x hostArray, first int, shape ...int) {
	if s.has != nil && s.has(name) {
		data := append([]float32(nil), x.f32[first:first+product(shape)]...)
		s.hook(Stage{name, shape, data})
	}
}
