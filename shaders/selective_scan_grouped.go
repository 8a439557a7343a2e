package shaders

import (
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// SelectiveScanGrouped is SelectiveScan with an invocation for each channel and group
// of states, which neighbouring invocations share. One of its forms is what
// SelectiveScan does on most devices.
func (k *Kernels) SelectiveScanGrouped(p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "selective_scan_grouped"}
	p.check(&c, maxElements)
	p.checkBuffers(&c, u, delta, bc, z, weights, slots, state, y)
	if c.err != nil {
		return nil, c.err
	}
	f, ok := p.groupedForm(k.dev.Limits(), k.dev.Info().Kind)
	if !ok {
		return nil, &ShapeError{"selective_scan_grouped", "States", fmt.Sprint(p.States), "what there is workgroup memory for"}
	}
	return k.grouped(f, p, u, delta, bc, z, weights, slots, state, y)
}

// grouped dispatches the scan in a form of selective_scan_grouped; if it has chunks,
// after their summaries.
func (k *Kernels) grouped(f scanForm, p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	grid := p.grid(f.channels)
	grid[2] = uint32(f.chunks)
	return k.dispatch("selective_scan_grouped", p.groupedVariant(f), p.groupedUniform(p.Length/f.chunks), grid,
		u, delta, bc, orElse(z, u), weights, slots, state, y)
}

// groupedUniform is uniform and the rows of a chunk.
func (p SelectiveScanParams) groupedUniform(chunk int) []byte {
	return uniform(p.Length, p.Channels, p.BCStride, p.OffB, p.OffC, p.ZStride, p.OffZ, p.OffM, chunk)
}

// groupedVariant is what changes the code of selective_scan_grouped and
// selective_scan_summary.
type groupedVariant struct {
	States                        int  // d_state
	Channels, Groups              int  // of a workgroup
	Quads                         int  // of four states, of an invocation
	Steps                         int  // of a tile
	Ahead                         int  // tiles on their way from memory
	Kinds                         int  // of what a token has for each state: B, then C, then m
	Split                         bool // in chunks
	Memory                        int  // bytes of workgroup memory
	HasZ, HasD, HasBias, Softplus bool
	Fresh, Packed, SharedA        bool
	Halves                        bool
}

func (p SelectiveScanParams) groupedVariant(f scanForm) groupedVariant {
	v := groupedVariant{
		States: p.States, Channels: f.channels, Groups: f.groups, Steps: f.steps, Ahead: f.ahead,
		Quads: ceilDiv(ceilDiv(p.States, 4), f.groups), Kinds: 2, Split: f.chunks > 1,
		HasZ: p.HasZ, HasD: p.HasD, HasBias: p.HasBias, Softplus: p.Softplus, Fresh: p.Fresh,
		Packed: p.Packed, SharedA: p.SharedA, Halves: p.Halves,
	}
	if p.Modulated {
		v.Kinds = 3
	}
	v.Memory = v.memory(true)
	return v
}

// summaryVariant is the variant of selective_scan_summary for the same form.
func (p SelectiveScanParams) summaryVariant(f scanForm) groupedVariant {
	v := p.groupedVariant(f)
	v.Kinds, v.HasZ = 1, false
	v.Memory = v.memory(false)
	return v
}

// memory is the bytes of workgroup memory: for each step B, C and m of all states, if
// channels have several groups d and d u of the channels and, where there is y, its part
// of each invocation; of packed sequences, where the workgroup's lies.
func (v groupedVariant) memory(y bool) int {
	n := 16 * v.Kinds * v.KindCells()
	if v.Groups > 1 {
		n += 4 * v.Steps * 2 * v.Channels
		if y {
			n += 4 * v.Steps * v.Threads()
		}
	}
	if v.Packed {
		n += 16
	}
	return n
}

// Threads is the number of invocations of a workgroup.
func (v groupedVariant) Threads() int { return v.Channels * v.Groups }

// Runs is the number of runs of four steps in a tile.
func (v groupedVariant) Runs() int { return v.Steps / 4 }

// Owned is the number of runs that an invocation loads and writes, at most.
func (v groupedVariant) Owned() int { return ceilDiv(v.Runs(), v.Groups) }

// PerThread is the number of states of an invocation.
func (v groupedVariant) PerThread() int { return 4 * v.Quads }

// StepCells is the number of cells of four states that a step has of each kind.
func (v groupedVariant) StepCells() int { return v.Groups * v.Quads }

// KindCells is the number of cells of each kind in a tile.
func (v groupedVariant) KindCells() int { return v.Steps * v.StepCells() }

// CellLoads is the number of cells that an invocation loads, at most.
func (v groupedVariant) CellLoads() int { return ceilDiv(v.Kinds*v.KindCells(), v.Threads()) }

// Padded reports whether cells have room for more states than there are.
func (v groupedVariant) Padded() bool { return v.States != 4*v.StepCells() }

// unrolled is the number of steps and states above which the runs of a tile are a
// loop: what that costs is little then, while the code of all would be long to compile
// and to fetch.
const unrolled = 128

// Looped reports whether the runs of a tile are a loop and not written out.
func (v groupedVariant) Looped() bool {
	return v.Groups > 1 && v.Runs() > 1 && v.Steps*v.PerThread() > unrolled
}

// IfOwned is the WGSL condition under which an invocation has an i-th run to load and
// write, nothing where every invocation has.
func (v groupedVariant) IfOwned(i int) string {
	if (i+1)*v.Groups <= v.Runs() {
		return ""
	}
	return fmt.Sprintf("if (group + %du < %du) ", i*v.Groups, v.Runs())
}

// IfCell is the WGSL condition under which an invocation has an i-th cell to load,
// nothing where every invocation has.
func (v groupedVariant) IfCell(i int) string {
	if (i+1)*v.Threads() <= v.Kinds*v.KindCells() {
		return ""
	}
	return fmt.Sprintf("if (t + %du < %du) ", i*v.Threads(), v.Kinds*v.KindCells())
}

// IfState is the WGSL condition under which an invocation's n-th state is one, nothing
// where it is for every group.
func (v groupedVariant) IfState(n int) string {
	if (v.Groups-1)*v.PerThread()+n < v.States {
		return ""
	}
	return fmt.Sprintf("if (state0 + %du < %du) ", n, v.States)
}

// Tile is the tile whose registers are set number set.
func (v groupedVariant) Tile(set int) groupedTile { return groupedTile{v, set} }

// groupedTile is what templates of a tile take.
type groupedTile struct {
	groupedVariant
	set int
}

// OwnedAt is the number of the registers of the invocation's i-th run.
func (t groupedTile) OwnedAt(i int) int { return t.set*t.Owned() + i }

// CellAt is the number of the registers of the invocation's i-th cell.
func (t groupedTile) CellAt(i int) int { return t.set*t.CellLoads() + i }

// Run is a run of the tile, or if r is negative the one whose number is the WGSL
// variable run.
func (t groupedTile) Run(r int) groupedRun { return groupedRun{t, r} }

// groupedRun is what templates of four steps take.
type groupedRun struct {
	groupedTile
	run int
}

// Number is the run's number in WGSL.
func (r groupedRun) Number() string {
	if r.run < 0 {
		return "run"
	}
	return fmt.Sprint(r.run)
}

// Cell is the place in the tile of the run's i-th step, in WGSL.
func (r groupedRun) Cell(i int) string {
	if r.run < 0 {
		return fmt.Sprintf("run * 4u + %du", i)
	}
	return fmt.Sprint(r.Step(i))
}

// Step numbers the names of the run's i-th step.
func (r groupedRun) Step(i int) int { return 4*max(r.run, 0) + i }

// D is the name of d of the run's steps.
func (r groupedRun) D() string { return fmt.Sprintf("d%d", max(r.run, 0)) }

// DU is the name of d u of the run's steps.
func (r groupedRun) DU() string { return fmt.Sprintf("du%d", max(r.run, 0)) }
