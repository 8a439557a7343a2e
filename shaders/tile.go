package shaders

import "fmt"

// tile is the part of a scan that a workgroup of 16 channels x 8 state lanes works on
// at a time: some steps, in runs of four. What states need at a step is a row of cells,
// the same for all channels; what a channel needs is a few columns of one number.
type tile struct {
	States    int  // d_state
	PerLane   int  // states of one of the 8 lanes
	Row       int  // cells of a step
	Steps     int  // of a tile
	Runs      int  // of four steps, in a tile
	Buffers   int  // tiles in workgroup memory
	Staged    bool // the cells go through workgroup memory
	Modulated bool // a cell has m too
	Packed    bool // where the workgroup's sequence lies is in workgroup memory
	Memory    int  // bytes of workgroup memory
}

// tileShape is a tile's steps, buffers and whether it is staged.
type tileShape struct {
	steps, buffers int
	staged         bool
}

// fit chooses the first of the shapes that keeps within the 16 KiB that every device
// has, for so many columns and numbers in a cell, or the last. The tile's States, Row,
// Modulated and Packed are given.
func (t tile) fit(columns, numbers int, shapes ...tileShape) tile {
	t.PerLane = ceilDiv(t.States, 8)
	for _, s := range shapes {
		t.Steps, t.Buffers, t.Staged = s.steps, s.buffers, s.staged
		t.Runs = t.Steps / 4
		if t.Memory = t.memory(columns, numbers); t.Memory <= 16<<10 {
			break
		}
	}
	return t
}

// memory is the bytes of workgroup memory: for each buffer and step the columns
// of 16 channels and the cells, and for each step 8 parts of 16 channels; of
// packed sequences, where the workgroup's lies.
func (t tile) memory(columns, numbers int) int {
	cells := 0
	if t.Staged {
		cells = numbers * t.Row
	}
	n := 4 * t.Steps * (t.Buffers*(16*columns+cells) + 8*16)
	if t.Packed {
		n += 16
	}
	return n
}

// complexTile has a cell of four numbers for each state, or with a modulation of five,
// in eight steps or four, twice or once in workgroup memory. With more than
// about 208 states, with cells of five numbers 168, the cells stay where they
// are; neighbouring channels read the same ones, so most reads find them in a
// cache.
func complexTile(states, columns int, modulated, packed bool) tile {
	t := tile{States: states, Row: 8 * ceilDiv(states, 8), Modulated: modulated, Packed: packed}
	numbers := 4
	if modulated {
		numbers = 5
	}
	return t.fit(columns, numbers, tileShape{8, 2, true}, tileShape{4, 2, true}, tileShape{4, 1, true}, tileShape{4, 2, false})
}

// Units is the number of runs of all channels in a tile.
func (t tile) Units() int { return t.Runs * 16 }

// Cells is the number of cells in a buffer.
func (t tile) Cells() int { return t.Steps * t.Row }

// Unrolled is how many of a run's four steps are written out, all or one in a
// loop. With more than eight states a lane the loop costs little, while the code
// of four steps is long to compile and to fetch.
func (t tile) Unrolled() int {
	if t.PerLane > 8 {
		return 1
	}
	return 4
}

// Y is the WGSL of a lane's parts of y of run r: y0, or of steps that are written out
// y0_0 to y0_3.
func (t tile) Y(r int) string {
	if t.Unrolled() == 1 {
		return fmt.Sprintf("y%d", r)
	}
	return fmt.Sprintf("vec4<f32>(y%d_0, y%[1]d_1, y%[1]d_2, y%[1]d_3)", r)
}

// Loads is the number of cells that each of 128 invocations loads.
func (t tile) Loads() int { return ceilDiv(t.Cells(), 128) }

// IfState is the WGSL condition under which lane+8j is a state, nothing where it
// is for every lane.
func (t tile) IfState(j int) string {
	if 8*j+8 <= t.States {
		return ""
	}
	return fmt.Sprintf("if (lane + %du < %du) ", 8*j, t.States)
}

// IfCell is the WGSL condition under which invocation t has an i-th cell to load,
// nothing where every invocation has.
func (t tile) IfCell(i int) string {
	if 128*i+128 <= t.Cells() {
		return ""
	}
	return fmt.Sprintf("if (t + %du < %du) ", 128*i, t.Cells())
}
