package mamba

import (
	"errors"
	"os"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// unitStages are the kernels of a single layer.
type unitStages[A any] interface {
	stages[A]
	layerNorm(p shaders.LayerNormParams, x, weight, bias, y A)
	discretize(p shaders.DiscretizeParams, s, a, cells A)
	modulatedScan(p shaders.ModulatedScanParams, u, cells, s, weights, slots, state, y A)
}

// program is one layer with its parameters, A being how a machine holds an
// array.
type program[A any] interface {
	// arrays are what a chunk flows through, so many numbers a token.
	arrays() []array[A]
	// states are what a sequence leaves behind, so many numbers a sequence.
	states() []array[A]
	// slots is the list of the states of a chunk's rows.
	slots() *A
	// run takes a chunk through a part of the layer.
	run(s unitStages[A], p pass)
}

// array is one of a program's arrays and the numbers in each of its rows.
type array[A any] struct {
	name  string
	width int
	at    *A
}

// pass is what one chunk is to do.
type pass struct {
	part         part
	rows, length int  // B, L
	fresh        bool // sequences begin here
}

func (p pass) tokens() int { return p.rows * p.length }

// part is a part of a layer that runs alone, or all of them.
type part uint8

const (
	whole part = iota
	partConv
	partSProj
	partHold
	partScan
	partOut
)

// has reports whether the pass comes through a part.
func (p pass) has(q part) bool { return p.part == whole || p.part == q }

// stateful reports whether a part reads and writes the states.
func (q part) stateful() bool { return q == whole || q == partConv || q == partScan }

// transfer moves data (tokens, width) between the host and an array, given by
// its place in program.arrays.
type transfer struct {
	array int
	data  []float32
}

// machine runs the chunks of one layer. Calls come one at a time.
type machine interface {
	info() wgpu.AdapterInfo
	// chunkTokens is the number of tokens that one chunk best has.
	chunkTokens() int
	// reserve makes room for n tokens and returns how many there is room for,
	// at least one and at most n.
	reserve(n int) (int, error)
	// newStates makes the states of that many empty sequences.
	newStates(rows int) (layerStates, error)
	// run puts in what goes in, takes the chunk through the layer, its rows
	// from and to st from row first on, and gets out what comes out. st may be
	// nil for a part without states.
	run(p pass, st layerStates, first int, in, out []transfer) error
	memoryInUse() uint64
	close() error
}

// layerStates are the states of several sequences.
type layerStates interface {
	clear() error
	close()
}

// layerSpec makes a layer's program for a machine.
type layerSpec interface {
	bytes() uint64 // of the parameters
	onHost() (program[hostArray], error)
	onGPU(*gpuStore) (program[*wgpu.Buffer], error)
}

// openMachine loads a layer onto what opts choose, as openBackend does with a
// model.
func openMachine(spec layerSpec, opts *Options) (machine, error) {
	if opts.Device != nil {
		return openGPUMachine(opts.Device, false, spec, opts)
	}
	name := opts.Adapter
	if name == "" {
		name = os.Getenv("MAMBAGPU_ADAPTER")
	}
	if name == GoAdapter {
		return newGoMachine(spec)
	}
	dev, err := wgpu.Open(&wgpu.Options{Adapter: name, MemoryBudget: opts.MemoryBudget, Notices: opts.Notices})
	if errors.Is(err, wgpu.ErrNoAdapter) && name == "" {
		announceNoAdapter(opts.Notices)
		return newGoMachine(spec)
	}
	if err != nil {
		return nil, err
	}
	m, err := openGPUMachine(dev, true, spec, opts)
	if err != nil {
		dev.Close()
		return nil, err
	}
	return m, nil
}

// openGPUMachine makes the machine of a device, with the kernels tuned as opts say.
func openGPUMachine(dev *wgpu.Device, owned bool, spec layerSpec, opts *Options) (machine, error) {
	g, err := newGPUMachine(dev, owned, spec)
	if err != nil {
		return nil, err
	}
	g.backend.kernels.Tune(opts.tuning(dev.Info()))
	return g, nil
}

// widest is the largest number of elements in a row of any array.
func widest[A any](arrays []array[A]) int {
	most := 1
	for _, a := range arrays {
		most = max(most, a.width)
	}
	return most
}
