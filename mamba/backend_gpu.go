package mamba

import (
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// gpuBackend runs the network on a WebGPU device. What a batch's shape needs
// is recorded once as a plan and replayed.
type gpuBackend struct {
	dev     *wgpu.Device
	owned   bool // the device is closed with the backend
	kernels *shaders.Kernels
	net     *network[*wgpu.Buffer]
	weights []*wgpu.Buffer // the network's parameters

	slots  int // states there is room for
	tokens int // activations there is room for
	most   int // tokens that there can be room for
	logits int // rows of logits there is room for
	rows   int // sequences there is room for
	parts  int // elements of a step's sums there is room for
	// noFlows is whether there is no room for flows.
	noFlows bool
	// scratch is for the parts of products whose sums are split; nil for none.
	scratch *wgpu.Buffer
	bound   []uint32 // contents of act.slots
	plans   plans
	turn    *gpuDecoder // whose ids, slots and draws are in act; nil for none
}

func newGPUBackend(dev *wgpu.Device, owned bool, c ModelConfig, src source) (*gpuBackend, error) {
	st := &gpuStore{dev: dev}
	net, err := loadNetwork(c, src, st)
	if err != nil {
		closeAll(st.made)
		return nil, err
	}
	g := &gpuBackend{dev: dev, owned: owned, kernels: shaders.New(dev), net: net, weights: st.made}
	g.most = min(g.elements()/g.widest(), maxTokens)
	if err := g.reserveOne(); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

// reserveOne makes what a row's output needs, the device's own buffer for
// reading it included, before activations take what memory is left.
func (g *gpuBackend) reserveOne() error {
	b := batch{rows: 1, output: lastChoice, choice: choice{width: g.net.config.VocabSize}}
	if err := g.reserveOutputs(b); err != nil {
		return err
	}
	return wgpu.Download(g.net.act.best, 0, make([]float32, 1))
}

// maxTokens is the number of workgroups that every device takes along an axis:
// the kernels' grids have a row for each token.
const maxTokens = 65535

func (g *gpuBackend) info() wgpu.AdapterInfo { return g.dev.Info() }
func (g *gpuBackend) usage() wgpu.Usage      { return g.dev.Usage() }
func (g *gpuBackend) memoryInUse() uint64    { return g.dev.MemoryInUse() }

// states calls f with every array of states and the bytes of one of its slots.
func (g *gpuBackend) states(f func(b *wgpu.Buffer, size uint64)) {
	c := g.net.config
	for i := range g.net.blocks {
		f(g.net.blocks[i].convState, 4*uint64(c.DInner*(c.DConv-1)))
		f(g.net.blocks[i].scanState, 4*uint64(c.DInner*c.DState))
	}
}

func (g *gpuBackend) clearState(slot int) error {
	pass := g.dev.NewPass("mamba.clear")
	g.states(func(b *wgpu.Buffer, size uint64) { pass.Clear(b, uint64(slot)*size, size) })
	return pass.Submit()
}

// copyState goes through a buffer of its own: WebGPU copies nothing within one
// buffer.
func (g *gpuBackend) copyState(dst, src int) error {
	var largest uint64
	g.states(func(_ *wgpu.Buffer, size uint64) { largest = max(largest, size) })
	between, err := g.dev.NewBuffer("state", largest)
	if err != nil {
		return err
	}
	defer between.Close()
	pass := g.dev.NewPass("mamba.copy")
	g.states(func(b *wgpu.Buffer, size uint64) {
		pass.Copy(between, 0, b, uint64(src)*size, size)
		pass.Copy(b, uint64(dst)*size, between, 0, size)
	})
	return pass.Submit()
}

func (g *gpuBackend) run(b batch, ids, slots []uint32) (result, error) {
	p, err := g.prepare(b, ids, slots, nil)
	if err != nil {
		return result{}, err
	}
	last := len(p.steps) - 1
	for _, s := range p.steps[:last] {
		if err := s.pass.Submit(); err != nil {
			return result{}, err
		}
	}
	return g.finish(p.steps[last].pass, b)
}

// finish submits a plan's last pass and reads what the batch asks for.
func (g *gpuBackend) finish(pass *wgpu.Pass, b batch) (result, error) {
	var r result
	a := &g.net.act
	var err error
	switch b.output {
	case onlyState:
		if err = pass.Submit(); err == nil {
			err = g.dev.Wait()
		}
	case lastChoice:
		r.best = make([]uint32, b.rows)
		err = wgpu.SubmitDownload(pass, a.ids, 0, r.best)
	default:
		r.logits = make([]float32, b.logitRows()*g.net.config.VocabSize)
		err = wgpu.SubmitDownload(pass, a.logits, 0, r.logits)
	}
	if err != nil {
		return r, err
	}
	return r, g.checkStall(b)
}

func (g *gpuBackend) trace(b batch, ids, slots []uint32, has func(name string) bool, hook func(Stage) error) error {
	p, err := g.prepare(b, ids, slots, has)
	if err != nil {
		return err
	}
	defer p.close()
	for _, s := range p.steps {
		if err := s.pass.Submit(); err != nil {
			return err
		}
		if s.buffer == nil {
			continue
		}
		data := make([]float32, product(s.shape))
		if err := wgpu.Download(s.buffer, 4*uint64(s.first), data); err != nil {
			return err
		}
		if err := hook(Stage{s.name, s.shape, data}); err != nil {
			return err
		}
	}
	return nil
}

// prepare uploads a batch's inputs and finds its plan, or, with has, records one
// that traces those stages and is the caller's to close.
func (g *gpuBackend) prepare(b batch, ids, slots []uint32, has func(name string) bool) (*plan, error) {
	if err := g.reserveOutputs(b); err != nil {
		return nil, err
	}
	if err := g.upload(ids, slots); err != nil {
		return nil, err
	}
	if has != nil {
		return g.record(b, has)
	}
	return g.plans.get(b, func() (*plan, error) { return g.record(b, nil) })
}

// upload replaces the ids and slots that a plan reads.
func (g *gpuBackend) upload(ids, slots []uint32) error {
	g.turn = nil
	if err := wgpu.Upload(g.net.act.ids, 0, ids); err != nil {
		return err
	}
	if slices.Equal(slots, g.bound) {
		return nil
	}
	if err := wgpu.Upload(g.net.act.slots, 0, slots); err != nil {
		return err
	}
	g.bound = slices.Clone(slots)
	return nil
}

func (g *gpuBackend) close() error {
	g.plans.drop()
	if g.owned {
		return g.dev.Close()
	}
	g.dropActivations()
	g.states(func(b *wgpu.Buffer, _ uint64) { closeAll([]*wgpu.Buffer{b}) })
	if t := g.net.together; t != nil {
		closeAll([]*wgpu.Buffer{t.convState, t.scanState})
	}
	closeAll(g.weights)
	closeAll([]*wgpu.Buffer{g.net.act.slots, g.net.act.last, g.net.act.logits, g.net.act.parts, g.scratch})
	closeAll(g.choiceBuffers())
	return nil
}
