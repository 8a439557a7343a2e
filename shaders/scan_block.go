package shaders

import (
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// ScanBlockParams are those of a stage of the backward pass of a selective scan. It takes
// a block of the states at a time, those from First on, and sequences in chunks of Chunk
// rows, the last with what is left. What stages leave for each other lies in one array,
// scratch:
//
//	states  (chunks, Batch, block, Channels) of each chunk: h after it, that before it zero;
//	        once joined, h before it
//	grads   the same of the gradient of h: before it, that after it zero; once joined,
//	        after it
//	sums    (chunks, Batch, Channels) of d_t over the chunk
//	rows    (groups of channels, Batch Length, 2, block) parts of the gradients of B and C
//	decays  (chunks Batch, Channels, States) parts of that of A; if SharedA is set,
//	        (chunks Batch, groups, States)
//	rest    (chunks Batch, Channels) parts of that of D, then of bias, as far as there are any
//	totals  (2 or 3, Batch Length, Channels) sums over the states of earlier blocks, if
//	        there is more than one: of g B, of g A exp(d A) h and, if HasZ is set, of h C
//
// block being States, at most 16.
type ScanBlockParams struct {
	SelectiveScanParams
	First int // state of the block
	Chunk int // rows, a multiple of 8
}

// How the stages share the work. The sizes are literals of the shaders too.
const (
	blockStates   = 16 // of a block, at most
	groupChannels = 64 // of a workgroup
	tileSteps     = 8  // that a channel's invocation has in registers
)

// Block is the number of states that scratch has room for in a block.
func (p ScanBlockParams) Block() int { return min(p.States, blockStates) }

// Here is the number of states of this block.
func (p ScanBlockParams) Here() int { return min(p.States-p.First, blockStates) }

// Chunks is the number of chunks of a sequence.
func (p ScanBlockParams) Chunks() int { return ceilDiv(p.Length, p.Chunk) }

// Groups is the number of groups of channels whose parts are summed apart.
func (p ScanBlockParams) Groups() int { return ceilDiv(p.Channels, groupChannels) }

// StatesAt is where the states lie in scratch, and GradsAt their gradients.
func (p ScanBlockParams) StatesAt() int { return 0 }

// GradsAt is where the gradients of states lie in scratch.
func (p ScanBlockParams) GradsAt() int {
	return p.Chunks() * p.Batch * p.Block() * p.Channels
}

// SumsAt is where the sums of d_t lie in scratch.
func (p ScanBlockParams) SumsAt() int { return 2 * p.GradsAt() }

// RowsAt is where the parts of the gradients of B and C lie in scratch.
func (p ScanBlockParams) RowsAt() int { return p.SumsAt() + p.Chunks()*p.Batch*p.Channels }

func (p ScanBlockParams) decaysAt() int {
	return p.RowsAt() + p.Groups()*p.Batch*p.Length*2*p.Block()
}

// decayColumns is the number of parts of A's gradient that a chunk leaves.
func (p ScanBlockParams) decayColumns() int {
	if p.SharedA {
		return p.Groups() * p.States
	}
	return p.Channels * p.States
}

func (p ScanBlockParams) restAt() int {
	return p.decaysAt() + p.Chunks()*p.Batch*p.decayColumns()
}

// restColumns is the number of parts of the gradients of D and bias that a chunk leaves.
func (p ScanBlockParams) restColumns() int {
	n := 0
	if p.HasD {
		n += p.Channels
	}
	if p.HasBias {
		n += p.Channels
	}
	return n
}

func (p ScanBlockParams) totalsAt() int {
	return p.restAt() + p.Chunks()*p.Batch*p.restColumns()
}

// words is the size of scratch.
func (p ScanBlockParams) words() int {
	n := p.totalsAt()
	if p.States > blockStates {
		totals := 2
		if p.HasZ {
			totals++
		}
		n += totals * p.Batch * p.Length * p.Channels
	}
	return n
}

// scanBlockVariant is what changes the code of the stages.
type scanBlockVariant struct {
	Block, States                        int // that scratch has room for, that the block has
	Tiles                                int // of a chunk, at most
	HasZ, HasD, HasBias, Softplus, Fresh bool
	SharedA, Halves                      bool
	FirstBlock, LastBlock                bool
	Wanted                               bool // the gradient of the initial state
}

func (p ScanBlockParams) variant(dstate *wgpu.Buffer) scanBlockVariant {
	return scanBlockVariant{
		Block: p.Block(), States: p.Here(), Tiles: p.Chunk / tileSteps,
		HasZ: p.HasZ, HasD: p.HasD, HasBias: p.HasBias, Softplus: p.Softplus, Fresh: p.Fresh, SharedA: p.SharedA, Halves: p.Halves,
		FirstBlock: p.First == 0, LastBlock: p.First+p.Here() == p.States, Wanted: dstate != nil,
	}
}

// Quads is the number of groups of four states.
func (v scanBlockVariant) Quads() int { return ceilDiv(v.States, 4) }

// KindCells is the number of cells of four states that a tile has of B, and of C.
func (v scanBlockVariant) KindCells() int { return tileSteps * v.Quads() }

// Padded reports whether cells have room for more states than there are.
func (v scanBlockVariant) Padded() bool { return v.States%4 != 0 }

// Has reports whether component i of quad q is a state.
func (v scanBlockVariant) Has(q, i int) bool { return 4*q+i < v.States }

// Kinds is what templates of so many kinds take: of B, or of B and C.
func (v scanBlockVariant) Kinds(n int) scanBlockKinds { return scanBlockKinds{v, n} }

// scanBlockKinds is a variant with a number of kinds.
type scanBlockKinds struct {
	scanBlockVariant
	Count int
}

// B is the cell of B of a step and the quad q, in WGSL, and C that of C.
func (v scanBlockVariant) B(step int) string {
	return fmt.Sprintf("cells[%du + q]", step*v.Quads())
}

// C is the cell of C of a step and the quad q, in WGSL.
func (v scanBlockVariant) C(step int) string {
	return fmt.Sprintf("cells[%du + q]", v.KindCells()+step*v.Quads())
}

func (p ScanBlockParams) uniform() []byte {
	return uniform(p.Batch, p.Length, p.Channels, p.BCStride, p.OffB, p.OffC, p.ZStride, p.OffZ,
		p.First, p.Chunk, p.GradsAt(), p.SumsAt(), p.RowsAt(), p.decaysAt(), p.restAt(), p.totalsAt(), p.States)
}

// grid is a workgroup for each group of channels, sequence and chunk.
func (p ScanBlockParams) grid() [3]uint32 {
	return [3]uint32{uint32(p.Groups()), uint32(p.Batch), uint32(p.Chunks())}
}

func (p ScanBlockParams) check(c *check) {
	p.SelectiveScanParams.check(c, maxElements)
	c.off("Packed", p.Packed)
	c.off("Modulated", p.Modulated)
	c.size("Batch", p.Batch, 1, maxAxis)
	c.size("First", p.First, 0, p.States-1)
	c.size("Chunk", p.Chunk, tileSteps, maxElements)
	if c.err == nil {
		c.size("Chunk", p.Chunk%tileSteps, 0, 0)
		c.size("Length", p.Chunks(), 1, maxAxis)
	}
}
