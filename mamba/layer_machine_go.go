package mamba

import (
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// goMachine runs a layer with the kernels' twins.
type goMachine struct {
	program program[hostArray]
	weights uint64 // bytes
	states  uint64 // bytes
}

func newGoMachine(spec layerSpec) (*goMachine, error) {
	p, err := spec.onHost()
	if err != nil {
		return nil, err
	}
	return &goMachine{program: p, weights: spec.bytes()}, nil
}

func (g *goMachine) info() wgpu.AdapterInfo { return goAdapterInfo() }
func (g *goMachine) chunkTokens() int       { return 256 }

func (g *goMachine) reserve(n int) (int, error) {
	for _, a := range g.program.arrays() {
		grow(a.at, n*a.width)
	}
	return n, nil
}

// hostStates are states in host memory.
type hostStates struct {
	machine *goMachine
	arrays  []hostArray
}

func (g *goMachine) newStates(rows int) (layerStates, error) {
	st := &hostStates{machine: g}
	for _, a := range g.program.states() {
		st.arrays = append(st.arrays, hostArray{f32: make([]float32, rows*a.width)})
	}
	g.states += st.bytes()
	return st, nil
}

func (st *hostStates) bytes() uint64 {
	n := 0
	for _, a := range st.arrays {
		n += len(a.f32)
	}
	return 4 * uint64(n)
}

func (st *hostStates) clear() error {
	for _, a := range st.arrays {
		clear(a.f32)
	}
	return nil
}

func (st *hostStates) close() {
	st.machine.states -= st.bytes()
	st.arrays = nil
}

func (g *goMachine) run(p pass, st layerStates, first int, in, out []transfer) error {
	if st, ok := st.(*hostStates); ok {
		for i, a := range g.program.states() {
			*a.at = st.arrays[i]
		}
	}
	g.program.slots().u32 = counting(first, p.rows)
	arrays := g.program.arrays()
	for _, t := range in {
		copy(arrays[t.array].at.f32, t.data)
	}
	g.program.run(layerHost{}, p)
	for _, t := range out {
		copy(t.data, arrays[t.array].at.f32)
	}
	return nil
}

// counting is first, first+1, ..., n numbers.
func counting(first, n int) []uint32 {
	list := make([]uint32, n)
	for i := range list {
		list[i] = uint32(first + i)
	}
	return list
}

func (g *goMachine) memoryInUse() uint64 {
	n := g.weights + g.states
	for _, a := range g.program.arrays() {
		n += 4 * uint64(len(a.at.f32))
	}
	return n
}

func (g *goMachine) close() error {
	g.program = nil
	return nil
}

// layerHost runs the twins at once.
type layerHost struct{ hostStages }

func (layerHost) layerNorm(p shaders.LayerNormParams, x, weight, bias, y hostArray) {
	cpu.LayerNorm(p, x.f32, weight.f32, bias.f32, y.f32)
}

func (layerHost) discretize(p shaders.DiscretizeParams, s, a, cells hostArray) {
	cpu.Discretize(p, s.f32, a.f32, cells.f32)
}

func (layerHost) modulatedScan(p shaders.ModulatedScanParams, u, cells, s, weights, slots, state, y hostArray) {
	cpu.ModulatedScan(p, u.f32, cells.f32, s.f32, weights.f32, slots.u32, state.f32, y.f32)
}
