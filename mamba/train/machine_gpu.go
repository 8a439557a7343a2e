package train

import (
	"errors"
	"slices"
	"strings"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// gpuMachine records operations into passes on a WebGPU device and replays them.
type gpuMachine struct {
	dev       *wgpu.Device
	owned     bool // the device is closed with the machine
	kernels   *shaders.Kernels
	buffers   []*wgpu.Buffer
	scratch   *wgpu.Buffer // of any one kernel at a time
	readbacks [2]*wgpu.Readback
	plans     []recorded // the one used last first
	timing    bool
	times     []KernelTime
}

// recorded is the passes of a plan. Systems reset a GPU that one submission keeps
// busy for seconds, so there may be several.
type recorded struct {
	key    plan
	passes []*wgpu.Pass
	shapes [][]string // of each pass's dispatches, as KernelTime has them
}

// keptPlans is the number of plans that are kept: a step's, and those of a last batch
// of fewer rows and of an evaluation.
const keptPlans = 8

func newGPUMachine(dev *wgpu.Device, owned bool) *gpuMachine {
	return &gpuMachine{dev: dev, owned: owned, kernels: shaders.New(dev)}
}

func (g *gpuMachine) info() wgpu.AdapterInfo { return g.dev.Info() }
func (g *gpuMachine) memoryInUse() uint64    { return g.dev.MemoryInUse() }
func (g *gpuMachine) stride(cols int) int    { return shaders.Stride(shaders.F32, cols) }

func (g *gpuMachine) maxWords() int {
	l := g.dev.Limits()
	return int(min(l.MaxStorageBinding, l.MaxBufferSize, 1<<32) / 4)
}

func (g *gpuMachine) batchWords() int { return g.maxWords() }

func (g *gpuMachine) newArray(label string, words int) (*wgpu.Buffer, error) {
	size := 4 * uint64(words)
	if most := g.dev.Limits().MaxStorageBinding; size > most {
		return nil, &wgpu.LimitError{Label: label, Name: "MaxStorageBinding", Need: size, Have: most}
	}
	b, err := g.dev.NewBuffer(label, size)
	if err == nil {
		g.buffers = append(g.buffers, b)
	}
	return b, err
}

func (g *gpuMachine) newWords(label string, words int) (*wgpu.Buffer, error) {
	return g.newArray(label, words)
}

func (g *gpuMachine) release(x *wgpu.Buffer) {
	if x == nil {
		return
	}
	x.Close()
	g.buffers = slices.DeleteFunc(g.buffers, func(b *wgpu.Buffer) bool { return b == x })
}

func (g *gpuMachine) slice(label string, x *wgpu.Buffer, first, words int) (*wgpu.Buffer, error) {
	return x.Slice(label, 4*uint64(first), 4*uint64(words))
}

// alignment is where bindings may begin, and whole vectors.
func (g *gpuMachine) alignment() int { return max(int(g.dev.Limits().StorageAlignment)/4, 4) }

func (g *gpuMachine) write(x *wgpu.Buffer, first int, v []float32) error {
	return wgpu.Upload(x, 4*uint64(first), v)
}

func (g *gpuMachine) writeWords(x *wgpu.Buffer, v []uint32) error { return wgpu.Upload(x, 0, v) }

func (g *gpuMachine) read(x *wgpu.Buffer, first int, v []float32) error {
	return wgpu.Download(x, 4*uint64(first), v)
}

func (g *gpuMachine) readLater(slot int, x *wgpu.Buffer, words int) (func() ([]float32, error), error) {
	r := g.readbacks[slot]
	if r == nil {
		var err error
		if r, err = g.dev.NewReadback("report", 4*uint64(words)); err != nil {
			return nil, err
		}
		g.readbacks[slot] = r
	}
	if err := g.dev.NewPass("mamba.report").SubmitTo(r, x, 0, 4*uint64(words)); err != nil {
		return nil, err
	}
	return func() ([]float32, error) {
		v := make([]float32, words)
		return v, wgpu.Fetch(r, v)
	}, nil
}

// run submits the passes of a plan, recorded if they were not.
func (g *gpuMachine) run(key plan, record func(operations[*wgpu.Buffer])) error {
	r, err := g.find(key, record)
	if err != nil {
		return err
	}
	for i, p := range r.passes {
		if g.timing && p.Dispatches() > 0 {
			if err := g.submitTimed(p, r.shapes[i]); err != nil {
				return err
			}
		} else if err := p.Submit(); err != nil {
			return err
		}
	}
	return nil
}

func (g *gpuMachine) submitTimed(p *wgpu.Pass, shapes []string) error {
	times, err := p.SubmitTimed()
	for i, t := range times {
		g.times = append(g.times, KernelTime{strings.TrimPrefix(t.Label, "mamba."), shapes[i], 1, t.Time})
	}
	return err
}

// find is what was recorded under a key, or is now.
func (g *gpuMachine) find(key plan, record func(operations[*wgpu.Buffer])) (recorded, error) {
	at := slices.IndexFunc(g.plans, func(r recorded) bool { return r.key == key })
	if at < 0 {
		if err := g.reserve(record); err != nil {
			return recorded{}, err
		}
		r := recorder{machine: g}
		record(&r)
		if r.err != nil {
			closePasses(r.passes)
			return recorded{}, r.err
		}
		if len(g.plans) == keptPlans {
			closePasses(g.plans[keptPlans-1].passes)
			g.plans = g.plans[:keptPlans-1]
		}
		g.plans = append(g.plans, recorded{key, r.passes, r.shapes})
		at = len(g.plans) - 1
	}
	found := g.plans[at]
	copy(g.plans[1:at+1], g.plans[:at])
	g.plans[0] = found
	return found, nil
}

func closePasses(passes []*wgpu.Pass) {
	for _, p := range passes {
		p.Close()
	}
}

func (g *gpuMachine) forget() {
	for _, r := range g.plans {
		closePasses(r.passes)
	}
	g.plans = nil
}

// reserve makes room for the scratch of what record does.
func (g *gpuMachine) reserve(record func(operations[*wgpu.Buffer])) error {
	r := recorder{machine: g, measuring: true}
	record(&r)
	if r.scratch <= g.scratchWords() {
		return nil
	}
	next, err := g.newArray("scratch", r.scratch)
	if err != nil {
		return err
	}
	g.forget()
	g.release(g.scratch)
	g.scratch = next
	return nil
}

func (g *gpuMachine) scratchWords() int {
	if g.scratch == nil {
		return 0
	}
	return int(g.scratch.Size() / 4)
}

func (g *gpuMachine) timed() error {
	if !g.dev.Timestamps() {
		return wgpu.ErrNoTimestamps
	}
	g.timing = true
	return nil
}

func (g *gpuMachine) timings() []KernelTime {
	times := g.times
	g.timing, g.times = false, nil
	return times
}

func (g *gpuMachine) close() error {
	g.forget()
	if g.owned {
		return g.dev.Close()
	}
	var errs []error
	for _, b := range g.buffers {
		errs = append(errs, b.Close())
	}
	for _, r := range g.readbacks {
		if r != nil {
			errs = append(errs, r.Close())
		}
	}
	return errors.Join(errs...)
}
