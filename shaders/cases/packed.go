package cases

import (
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
)

// packedLengths is sequences of different lengths laid end to end: around the
// edges of tiles, and the longest neither first nor last.
var packedLengths = [][]int{{1}, {5}, {1, 1, 1}, {3, 40, 1, 8}, {7, 9, 33, 100, 2, 16, 64}}

// packing is the packing of sequences of the given lengths and the longest of
// them.
func packing(lengths []int) (p shaders.Packing, longest int) {
	p.Packed = true
	for _, n := range lengths {
		p.Rows += n
	}
	return p, slices.Max(lengths)
}

// slotsArg is the slots of sequences, which lie end to end if lengths are given.
func slotsArg(slots []uint32, lengths []int) Arg {
	if lengths == nil {
		return ints("slots", slots)
	}
	var words []uint32
	row := 0
	for i, slot := range slots {
		words = append(words, slot, uint32(row), uint32(lengths[i]))
		row += lengths[i]
	}
	return ints("slots", words)
}
