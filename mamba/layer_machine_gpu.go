package mamba

import (
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// gpuMachine runs a layer on a WebGPU device. What a chunk's shape and states
// need is recorded once as a plan and replayed.
type gpuMachine struct {
	backend *gpuBackend // its device and kernels, for the recorder
	owned   bool        // the device is closed with the machine
	program program[*wgpu.Buffer]
	weights []*wgpu.Buffer
	open    map[*gpuStates]bool

	tokens int      // activations there is room for
	most   int      // tokens that there can be room for
	rows   int      // sequences that slots has room for
	bound  []uint32 // contents of slots
	plans  []layerPlan
}

// layerPlan is the plan of one shape with one set of states.
type layerPlan struct {
	pass   pass
	states *gpuStates
	plan   *plan
}

func newGPUMachine(dev *wgpu.Device, owned bool, spec layerSpec) (*gpuMachine, error) {
	st := &gpuStore{dev: dev}
	p, err := spec.onGPU(st)
	if err != nil {
		closeAll(st.made)
		return nil, err
	}
	g := &gpuMachine{
		backend: &gpuBackend{dev: dev, kernels: shaders.New(dev)}, owned: owned,
		program: p, weights: st.made, open: map[*gpuStates]bool{},
	}
	g.most = max(min(g.backend.elements()/widest(p.arrays()), maxTokens), 1)
	return g, nil
}

func (g *gpuMachine) dev() *wgpu.Device      { return g.backend.dev }
func (g *gpuMachine) info() wgpu.AdapterInfo { return g.dev().Info() }
func (g *gpuMachine) memoryInUse() uint64    { return g.dev().MemoryInUse() }

// chunkTokens fills a large GPU, but keeps the largest product within one
// pass's work, widths being 2E and E. On a software adapter it lets a context
// end a call soon.
func (g *gpuMachine) chunkTokens() int {
	w := float64(widest(g.program.arrays()))
	want := int(min(max(g.backend.passWork()/(w*w/2), 2048), 8192))
	if g.info().Kind == wgpu.CPU {
		want = 512
	}
	return min(want, g.most)
}

// reserve makes room for n tokens or, where memory does not suffice, for half
// as many, and so on; it does not ask for more again.
func (g *gpuMachine) reserve(n int) (int, error) {
	n = min(n, g.most)
	if n <= g.tokens {
		return n, nil
	}
	g.dropPlans(nil)
	g.dropArrays()
	for size := min(max(n, 16), g.most); ; size /= 2 {
		err := g.makeArrays(size)
		if err == nil {
			g.tokens = size
			return min(n, size), nil
		}
		g.dropArrays()
		if size == 1 || !exhausted(err) {
			return 0, err
		}
		g.most = size / 2
	}
}

func (g *gpuMachine) makeArrays(tokens int) error {
	for _, a := range g.program.arrays() {
		b, err := newBuffer(g.dev(), a.name, 4*uint64(tokens)*uint64(a.width))
		if err != nil {
			return err
		}
		*a.at = b
	}
	return nil
}

func (g *gpuMachine) dropArrays() {
	for _, a := range g.program.arrays() {
		closeAll([]*wgpu.Buffer{*a.at})
		*a.at = nil
	}
	g.tokens = 0
}

// gpuStates are states in device memory.
type gpuStates struct {
	machine *gpuMachine
	buffers []*wgpu.Buffer
}

func (g *gpuMachine) newStates(rows int) (layerStates, error) {
	st := &gpuStates{machine: g}
	for _, a := range g.program.states() {
		b, err := newBuffer(g.dev(), a.name, 4*uint64(rows)*uint64(a.width))
		if err != nil {
			closeAll(st.buffers)
			return nil, err
		}
		st.buffers = append(st.buffers, b)
	}
	g.open[st] = true
	return st, nil
}

func (st *gpuStates) clear() error {
	pass := st.machine.dev().NewPass("mamba.clear")
	for _, b := range st.buffers {
		pass.Clear(b, 0, b.Size())
	}
	return pass.Submit()
}

func (st *gpuStates) close() {
	st.machine.dropPlans(st)
	closeAll(st.buffers)
	delete(st.machine.open, st)
}

func (g *gpuMachine) run(p pass, states layerStates, first int, in, out []transfer) error {
	if err := g.bindSlots(counting(first, p.rows)); err != nil {
		return err
	}
	st, _ := states.(*gpuStates)
	steps, err := g.plan(p, st)
	if err != nil {
		return err
	}
	arrays := g.program.arrays()
	for _, t := range in {
		if err := wgpu.Upload(*arrays[t.array].at, 0, t.data); err != nil {
			return err
		}
	}
	last := len(steps) - 1
	for _, s := range steps[:last] {
		if err := s.pass.Submit(); err != nil {
			return err
		}
	}
	for i, t := range out {
		from := *arrays[t.array].at
		if i == 0 {
			err = wgpu.SubmitDownload(steps[last].pass, from, 0, t.data)
		} else {
			err = wgpu.Download(from, 0, t.data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bindSlots makes slots hold a list.
func (g *gpuMachine) bindSlots(list []uint32) error {
	if slices.Equal(list, g.bound) {
		return nil
	}
	at := g.program.slots()
	if len(list) > g.rows {
		next, err := newBuffer(g.dev(), "slots", 4*uint64(len(list)))
		if err != nil {
			return err
		}
		g.dropPlans(nil)
		closeAll([]*wgpu.Buffer{*at})
		*at, g.rows = next, len(list)
	}
	g.bound = list
	return wgpu.Upload(*at, 0, list)
}

// plan gives the passes of a chunk, recorded if they are not among those used
// last.
func (g *gpuMachine) plan(p pass, st *gpuStates) ([]step, error) {
	for i, have := range g.plans {
		if have.pass == p && have.states == st {
			copy(g.plans[1:i+1], g.plans[:i])
			g.plans[0] = have
			return have.plan.steps, nil
		}
	}
	if st != nil {
		for i, a := range g.program.states() {
			*a.at = st.buffers[i]
		}
	}
	r := &recorder{backend: g.backend, plan: &plan{}}
	r.next()
	g.program.run(layerRecorder{r}, p)
	if r.err != nil {
		r.plan.close()
		return nil, r.err
	}
	if len(g.plans) == keptPlans {
		g.plans[keptPlans-1].plan.close()
		g.plans = g.plans[:keptPlans-1]
	}
	g.plans = slices.Insert(g.plans, 0, layerPlan{p, st, r.plan})
	return r.plan.steps, nil
}

// dropPlans closes the plans that use st, or all if it is nil.
func (g *gpuMachine) dropPlans(st *gpuStates) {
	g.plans = slices.DeleteFunc(g.plans, func(p layerPlan) bool {
		if st != nil && p.states != st {
			return false
		}
		p.plan.close()
		return true
	})
}

func (g *gpuMachine) close() error {
	g.dropPlans(nil)
	if g.owned {
		return g.dev().Close()
	}
	for st := range g.open {
		st.close()
	}
	g.dropArrays()
	closeAll(g.weights)
	closeAll([]*wgpu.Buffer{*g.program.slots()})
	return nil
}

// layerRecorder is the stages of a plan: each method prepares a dispatch.
type layerRecorder struct{ *recorder }

func (r layerRecorder) layerNorm(p shaders.LayerNormParams, x, weight, bias, y *wgpu.Buffer) {
	r.add(p.Rows*p.Width, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.LayerNorm(p, x, weight, bias, y) })
}

func (r layerRecorder) discretize(p shaders.DiscretizeParams, s, a, cells *wgpu.Buffer) {
	r.add(p.Rows*p.States, func(k *shaders.Kernels) (*wgpu.Dispatch, error) { return k.Discretize(p, s, a, cells) })
}

func (r layerRecorder) modulatedScan(p shaders.ModulatedScanParams, u, cells, s, weights, slots, state, y *wgpu.Buffer) {
	r.add(2*p.Batch*p.Length*p.Channels*p.States, func(k *shaders.Kernels) (*wgpu.Dispatch, error) {
		if p.Length == 1 {
			return k.ModulatedScanStep(p, u, cells, s, weights, slots, state, y)
		}
		return k.ModulatedScan(p, u, cells, s, weights, slots, state, y)
	})
}
