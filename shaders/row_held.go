package shaders

// rowHeld is what a rowDots has besides where activations stay in registers
// (include/row_held.wgsl). Each is then the rows of weights of a set of lanes.
type rowHeld struct {
	Held   bool
	Sets   int // of lanes
	Take   int // blocks of a row of each invocation
	Flight int // rows of weights that a set has on their way, a divisor of Each
	Pitch  int // vectors of workgroup memory from one quad of a block to the next
	Slots  int // sums of a workgroup
	Totals int // those and the sums of squares
	Stride int // numbers of workgroup memory from one slot to the next
}

// held completes a choice of lanes, sets and rows.
func (s rowShape) held(lanes, sets, each, flight int) rowDots {
	v := rowDots{
		N: s.n, K: s.k, LDA: s.k, Blocks: s.blocks(), Rows: s.m, Lanes: lanes, Each: each,
		Threads: ceilDiv(max(lanes*sets, sets*each*s.m), 32) * 32, Columns: sets * each, Planes: 32 / s.weights.Bits(),
		Weights: s.weights.String(), Norm: s.norm,
	}
	slots := sets * each * s.m
	v.rowHeld = rowHeld{Held: true, Sets: sets, Take: ceilDiv(v.Blocks, lanes), Flight: flight, Slots: slots, Totals: slots}
	squares := 0
	if s.norm {
		v.Totals += s.m
		squares = s.m * v.Threads
	}
	for v.Left = 1; v.Left < 16 && 2*v.Left*v.Totals <= v.Threads; v.Left *= 2 {
	}
	// Invocations that add up neighbouring slots read words of different banks.
	v.Stride = ceilDiv(lanes, 32)*32 + v.Left
	v.share()
	v.Pool = max(s.m*v.Planes*v.Pitch, ceilDiv(slots*v.Stride+squares, 4))
	v.Memory = 16*v.Pool + 4*v.Left*v.Totals
	return v
}

// share divides activations into as few chunks as fit, all of one size.
func (v *rowDots) share() {
	blocks := v.Lanes * v.Take
	chunks := ceilDiv(blocks, rowMemory/16/(v.Rows*v.Planes)-1)
	v.Chunk = ceilDiv(blocks, chunks)
	v.Pitch = v.Chunk | 1
	v.Stages = ceilDiv(v.Chunk*v.Planes, v.Threads)
}

// holds reports whether activations fit registers.
func (s rowShape) holds() bool { return s.m <= 2 && s.m*s.k <= 16<<10 }

// heldLanes is the number of lanes that share a row.
func (s rowShape) heldLanes() int {
	take := 1
	for ceilDiv(s.blocks(), take) > 192 {
		take++
	}
	return ceilDiv(s.blocks(), take)
}

func (s rowShape) heldRows() rowDots {
	lanes := s.heldLanes()
	take := ceilDiv(s.blocks(), lanes)
	sets := max(256/lanes, 1)
	each := max(8/take, 1)
	for each > 1 && (sets*each*s.m > 64 || sets*each*s.m*(lanes+32) > 3072) {
		each /= 2
	}
	for sets > 1 && (sets*each*s.m > 64 || sets*each*s.m*(lanes+32) > 3072) {
		sets /= 2
	}
	return s.held(lanes, sets, each, each)
}
