package shaders

import "github.com/x448/float16"

// RoundHalf is v as an array of halves holds it, which some activations may lie in to take
// half the memory: the nearest 16-bit IEEE float, ties to even. From 65520 on that is
// infinite. Arithmetic is float32 whatever the storage.
//
// A matrix (rows, cols) of halves, whose rows are ld elements apart, has the elements of two
// rows in each word, the even row's in the lower 16 bits:
//
//	element (r, c) is half r%2 of word r/2*ld + c
//
// So a vector of four columns is 16 bytes, as it is of 32-bit floats, neighbouring channels
// are neighbouring words, and a walk through time finds two steps in a word. The number of
// rows is even; where rows are the tokens of sequences, so is that of each of them.
func RoundHalf(v float32) float32 { return float16.Fromfloat32(v).Float32() }

// HalvesWords is the number of words of a matrix of halves whose rows are ld elements apart.
func HalvesWords(rows, ld int) int { return rows / 2 * ld }

// PackHalves lays x (rows, ld) out as halves, rounded as [RoundHalf] says.
func PackHalves(x []float32, ld int) []uint32 {
	words := make([]uint32, HalvesWords(len(x)/ld, ld))
	for i := range words {
		at := i/ld*2*ld + i%ld
		words[i] = uint32(float16.Fromfloat32(x[at])) | uint32(float16.Fromfloat32(x[at+ld]))<<16
	}
	return words
}

// UnpackHalves takes x (rows, ld) out of the words that PackHalves makes.
func UnpackHalves(words []uint32, ld int, x []float32) {
	for i, w := range words {
		at := i/ld*2*ld + i%ld
		x[at] = float16.Float16(w).Float32()
		x[at+ld] = float16.Float16(w >> 16).Float32()
	}
}

// halves requires that an array holds a matrix (rows, cols) of halves, or one of 32-bit
// floats.
func (c *check) activation(arg string, have uint64, rows, cols, ld, off int, halves bool) {
	if !halves {
		c.words(arg, have, (rows-1)*ld+off+cols)
		return
	}
	c.even(arg+"'s rows", rows)
	c.words(arg, have, (rows/2-1)*ld+off+cols)
}

// even requires an even number.
func (c *check) even(arg string, v int) {
	if c.err == nil && v%2 != 0 {
		c.err = &ShapeError{c.kernel, arg, "odd", "even: halves lie in pairs of rows"}
	}
}
