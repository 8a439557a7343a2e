package shaders

import "fmt"

// rowHeld is what a rowDots has besides where activations stay in registers
// (include/row_held.wgsl). Each is then the rows of weights of a set of lanes.
type rowHeld struct {
	Held      bool
	Sets      int  // of lanes
	Take      int  // blocks of a row of each invocation
	Flight    int  // rows of weights that a set has on their way, a divisor of Each
	Pitch     int  // vectors of workgroup memory from one quad of a block to the next
	Slots     int  // sums of a workgroup
	Totals    int  // those and the sums of squares
	SlotPitch int  // numbers of workgroup memory from one slot to the next
	Planar    bool // activations lie plane by plane (Plane) and are read without workgroup memory
}

// held completes a choice of lanes, sets and rows, with at least as many invocations as
// asked for.
func (s rowShape) held(lanes, sets, each, flight, invocations int) rowDots {
	v := rowDots{
		N: s.n, K: s.k, LDA: s.k, Blocks: s.blocks(), Rows: s.m, Lanes: lanes, Each: each,
		Threads: ceilDiv(max(lanes*sets, sets*each*s.m, invocations), 32) * 32, Columns: sets * each, Planes: 32 / s.weights.Bits(),
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
	// An odd multiple of Left: invocations that add up neighbouring slots read words of
	// different banks.
	v.SlotPitch = (ceilDiv(lanes, v.Left) | 1) * v.Left
	v.share()
	v.Pool = max(s.m*v.Planes*v.Pitch, ceilDiv(slots*v.SlotPitch+squares, 4))
	v.Memory = v.memory()
	return v
}

func (v rowDots) memory() int { return 16*v.Pool + 4*v.Left*v.Totals }

// planar reads activations as planes.
func (v rowDots) planar() rowDots {
	v.Planar = true
	squares := 0
	if v.Norm {
		squares = v.Rows * v.Threads
	}
	v.Pool = ceilDiv(v.Slots*v.SlotPitch+squares, 4)
	v.Memory = v.memory()
	return v
}

// Plane is the place of element i of a row of activations that lies as planes for
// weights of a type: of the quads that meet a block of 16 bytes of weights, all the
// first come first, then all the second, so that invocations with neighbouring blocks
// read neighbouring quads. The row's width is a multiple of Stride(t, 1).
func Plane(t DType, width, i int) int {
	planes := 32 / t.Bits()
	return (i/4%planes*(width/4/planes)+i/4/planes)*4 + i%4
}

// whole requires rows of whole blocks of 16 bytes of a type.
func (c *check) whole(name string, width int, t DType) {
	if c.err == nil && width%Stride(t, 1) != 0 {
		c.err = &ShapeError{c.kernel, name, fmt.Sprint(width), fmt.Sprintf("a multiple of %d", Stride(t, 1))}
	}
}

// share divides activations into as few chunks as fit, all of one size.
func (v *rowDots) share() {
	blocks := v.Lanes * v.Take
	chunks := ceilDiv(blocks, rowMemory/16/(v.Rows*v.Planes)-1)
	v.Chunk = ceilDiv(blocks, chunks)
	v.Pitch = v.Chunk | 1
	v.Stages = ceilDiv(v.Chunk*v.Planes, v.Threads)
}

// holds reports whether one or two rows of activations are better held: they fit
// registers, and rows of weights are long enough. The integers of 8 bits after a norm,
// where every workgroup goes through all activations first, are not: of (1,50280,2560) an
// H100 takes 51 us with row_dots and 54 so, of 4 bits 48 and 42.
func (s rowShape) holds() bool {
	return s.m <= 2 && s.m*s.k <= 16<<10 && s.heldLanes() >= 64 && !(s.norm && s.weights == Q8)
}

// holdsGroup is holds where a workgroup has a group of rows: with many lanes too few
// sets of them are left.
func (s rowShape) holdsGroup() bool { return s.holds() && s.heldLanes() <= 128 }

// heldLanes is the number of lanes that share a row: at most 160, and of integers, which
// take more work than bytes, so few that a lane has the activations of eight quads.
func (s rowShape) heldLanes() int {
	take := 1
	if s.weights.Quantized() {
		take = 8 * s.weights.Bits() / 32
	}
	for ceilDiv(s.blocks(), take) > 160 {
		take++
	}
	return ceilDiv(s.blocks(), take)
}

// heldRows has as many rows of weights in a workgroup as leave enough workgroups to fill
// a large GPU, up to four of each set: with more, of those that a processor runs too few
// load while the others multiply. After a norm there are more, as every workgroup goes
// through all activations first.
func (s rowShape) heldRows() rowDots {
	lanes, sets := s.heldSets()
	each := max(8/ceilDiv(s.blocks(), lanes), 1)
	switch {
	case s.norm && s.weights == Q4:
	case sets > 1:
		each = min(each, 3)
	default:
		each = min(each, 4)
	}
	return s.heldBy(lanes, sets, each, 0)
}

// planarRows is heldRows for activations that lie as planes, with at least as many
// invocations as asked for. Of integers five rows of a single set and six of several
// leave as many workgroups as an H100 runs at once: (1,2560,5120) of 4 bits takes 6.7 us
// with five, 7.4 with four and 7.1 with six.
func (s rowShape) planarRows(invocations int) rowDots {
	lanes, sets := s.heldSets()
	each := min(max(8/ceilDiv(s.blocks(), lanes), 1), 4)
	switch {
	case s.weights.Quantized() && sets > 1:
		each = 6
	case s.weights.Quantized():
		each = 5
	case sets > 1:
		each = min(each, 3)
	}
	return s.heldBy(lanes, sets, each, invocations).planar()
}

// heldSets is the lanes that share a row, and as many sets of them as a workgroup has room for.
func (s rowShape) heldSets() (lanes, sets int) {
	lanes = s.heldLanes()
	return lanes, max(256/lanes, 1)
}

// heldBy has fewer than the given rows of weights in a workgroup where there are too few
// workgroups otherwise, or too little memory.
func (s rowShape) heldBy(lanes, sets, each, invocations int) rowDots {
	const enough = 256
	for each > 1 && s.n < enough*sets*each {
		each--
	}
	for sets*each*s.m > 1 && (sets*each*s.m > 64 || s.held(lanes, sets, each, each, invocations).Memory > maxStepMemory) {
		if each > 1 {
			each--
		} else {
			sets--
		}
	}
	return s.held(lanes, sets, each, flight(each, 10/ceilDiv(s.blocks(), lanes)), invocations)
}

// flight is the largest divisor of each up to most, but at least one.
func flight(each, most int) int {
	n := max(min(each, most), 1)
	for each%n != 0 {
		n--
	}
	return n
}

// heldGroup has the given number of rows of weights in a workgroup.
func (s rowShape) heldGroup(rows, invocations int) rowDots {
	lanes := s.heldLanes()
	sets, most := max(min(256/lanes, rows), 1), 8
	for rows%sets != 0 {
		sets--
	}
	if s.weights.Quantized() {
		most = 4
	}
	each := rows / sets
	v := s.held(lanes, sets, each, flight(each, most/ceilDiv(s.blocks(), lanes)), max(invocations, rows*s.m))
	v.Columns = rows
	return v
}
