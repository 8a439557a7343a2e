package shaders

import (
	"fmt"
	"math"

	"github.com/mambagpu/mambagpu/wgpu"
)

// backTile is the part of a complex scan's backward pass that a workgroup of 256
// invocations works on at a time: some channels x some state lanes, a tile of as many
// steps as there are lanes, and of a step a round of states.
type backTile struct {
	States   int  // d_state
	Lanes    int  // of a channel
	Channels int  // of a workgroup
	Together int  // states of a lane in a round
	Rounds   int  // of a step
	Cells    bool // modulated_scan's, whose four sums of a state lie side by side, not two and two
}

// newBackTile has the fewest lanes with at most eight states each: a lane keeps about
// eight numbers for a state in registers.
func newBackTile(states int) backTile {
	t := backTile{States: states, Lanes: 8, Together: 2}
	for t.Lanes*8 < states {
		t.Lanes *= 2
	}
	if states <= t.Lanes {
		t.Together = 1
	}
	t.Channels = 256 / t.Lanes
	t.Rounds = ceilDiv(states, t.Lanes*t.Together)
	return t
}

// PerLane is the states of a lane, the last of which may be past the end.
func (t backTile) PerLane() int { return t.Together * t.Rounds }

// State is the first state of lanes' number j.
func (t backTile) State(j int) int { return t.Lanes * j }

// Pair is State in numbers, two a state.
func (t backTile) Pair(j int) int { return 2 * t.Lanes * j }

// Walk is the words that the states of the workgroup take in scratch.
func (t backTile) Walk() int { return 512 * t.PerLane() }

// Columns is the sums over channels that a step has: four numbers a state.
func (t backTile) Columns() int { return 4 * t.States }

// Outputs is the sums over channels of a round; Parts is the first level's parts of
// each, of Terms channels.
func (t backTile) Outputs() int { return 4 * t.Together * t.Lanes }

// Parts is explained at Outputs.
func (t backTile) Parts() int { return 256 / t.Outputs() }

// Terms is explained at Outputs.
func (t backTile) Terms() int { return t.Channels / t.Parts() }

// IfState is the WGSL condition under which a lane's number j is a state, nothing where
// it is for every lane.
func (t backTile) IfState(j int) string {
	if t.State(j+1) <= t.States {
		return ""
	}
	return fmt.Sprintf("if (lane + %du < %du) ", t.State(j), t.States)
}

// At is the tile with the number of a state of a lane, or of a round, for templates of
// one.
func (t backTile) At(i int) backPart { return backPart{t, i} }

// backPart is what At says.
type backPart struct {
	backTile
	At int
}

// backPlan is where a scan's backward pass keeps what in scratch, in words:
//
//	0     the initial states, then their gradients (batch, channels, states, 2)
//	walk  for each workgroup the states before its chunks and before a chunk's steps
//	sums  of the workgroups' channels (side, batch, length, 4 states)
//	a     (batch, channels, states, 2), of which the weights' gradients are the sums
//	rest  (batch, rest numbers a channel, channels), likewise
//
// Chunks are of about the square root of the length: the states of walk are 4 states
// sqrt(length) numbers a channel and sequence. The side keeps the sums to four numbers a
// token and channel. So for up to sqrt(length) states all is O(batch length channels),
// whatever their number; nothing is batch length channels states.
type backPlan struct {
	steps, chunks       int // of a chunk, of a sequence
	groups, side        int // of channels, of workgroups that share them
	walk, sums, a, rest int
	words               int
}

// backParams is the sizes that a backPlan depends on.
type backParams struct {
	batch, length, channels int
	rest                    int // weights of a channel besides A, or B and C
}

// plan is the plan that fits into a binding of most words, or else the smallest.
func (t backTile) plan(p backParams, most int) backPlan {
	var b backPlan
	root := int(math.Ceil(math.Sqrt(float64(p.length))))
	b.steps = ceilDiv(root, t.Lanes) * t.Lanes
	b.chunks = ceilDiv(p.length, b.steps)
	b.groups = ceilDiv(p.channels, t.Channels)
	b.side = min(b.groups, max(4*p.channels/t.Columns(), 1))
	for ; ; b.side-- {
		b.walk = p.batch * p.channels * 2 * t.States
		b.sums = b.walk + p.batch*b.side*(b.chunks+b.steps)*t.Walk()
		b.a = b.sums + p.batch*b.side*p.length*t.Columns()
		b.rest = b.a + p.batch*p.channels*2*t.States
		b.words = b.rest + p.batch*p.channels*p.rest
		if b.words <= most || b.side == 1 {
			return b
		}
	}
}

// uniform is the fields of the shaders' Params after the scan's own.
func (b backPlan) uniform() []any {
	return []any{b.groups, b.steps, b.chunks, b.walk, b.sums, b.a, b.rest}
}

// bindingWords is the most words that a shader sees of a buffer.
func (k *Kernels) bindingWords() int {
	return int(min(k.dev.Limits().MaxStorageBinding/4, maxElements))
}

// checkStates requires what a backward pass reads and writes of initial states of
// width numbers.
func (c *check) states(fresh bool, batch, width int, slots, state, dstate *wgpu.Buffer) {
	if !fresh {
		c.words("slots", size(slots), batch)
		c.words("state", size(state), width)
	}
	if dstate != nil {
		c.words("dstate", size(dstate), batch*width)
	}
}
