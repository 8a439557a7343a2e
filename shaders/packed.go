package shaders

// Packing says how the sequences of a kernel that carries a state lie in its
// arrays. The zero value is Batch sequences of Length rows each, one after the
// other, and slots has one word for each, its slot.
//
// Packed sequences have lengths of their own and lie end to end. slots then has
// three words for each: slot, first row, number of rows, at least one. Length
// is that of the longest, and Rows counts the rows of all.
type Packing struct {
	Packed bool
	Rows   int
}

// Total is the number of rows that batch sequences of length rows have.
func (p Packing) Total(batch, length int) int {
	if p.Packed {
		return p.Rows
	}
	return batch * length
}

// slotWords is the number of words of slots.
func (p Packing) slotWords(batch int) int {
	if p.Packed {
		return 3 * batch
	}
	return batch
}

// Sequence is the slot of sequence b, its first row and its number of rows.
func (p Packing) Sequence(slots []uint32, b, length int) (slot, first, rows int) {
	if p.Packed {
		return int(slots[3*b]), int(slots[3*b+1]), int(slots[3*b+2])
	}
	return int(slots[b]), b * length, length
}

// packing requires sizes that packed sequences can have.
func (c *check) packing(p Packing, batch, length int) {
	if p.Packed {
		c.size("Rows", p.Rows, max(batch, length), maxElements)
	}
}

// unpacked requires sequences of one length.
func (c *check) unpacked(p Packing) {
	c.off("Packed", p.Packed)
}
