package bench

import (
	"hash/fnv"
	"slices"

	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/wgpu"
)

// array is one buffer of a case: how large it is and what it starts with.
// Its elements are known by their index, so that no copy is kept on the host
// however large it is.
type array struct {
	name   string
	len    int           // elements; 0 for an optional buffer that is not given
	dtype  shaders.DType // of a weight matrix
	rows   int           // of a matrix of integers
	lo, hi float64       // the values lie evenly in [lo, hi)
	// form, if set, makes element i out of such a value, in an array of no more
	// than period elements.
	form func(i int, v float64) float64
	ints func(i int) uint32
	out  bool // compared after the run
}

func floats(name string, n int, lo, hi float64) array {
	return array{name: name, len: n, lo: lo, hi: hi}
}

// result is an array that a run writes.
func result(name string, n int) array { return array{name: name, len: n, out: true} }

// kept is an array that a run reads and replaces.
func kept(name string, n int) array { return array{name: name, len: n, lo: -1, hi: 1, out: true} }

// slots gives each of n sequences the state of its own number.
func slots(n int) array {
	return array{name: "slots", len: n, ints: func(i int) uint32 { return uint32(i) }}
}

// weights is a matrix of n elements. Its values lie in [-scale, scale), scale
// being a power of two.
func weights(name string, n int, t shaders.DType, scale float64) array {
	return array{name: name, len: n, dtype: t, lo: -scale, hi: scale}
}

// matrix is weights of rows by cols, of any type. Rows of integers have no padding.
func matrix(name string, rows, cols int, t shaders.DType, scale float64) array {
	a := weights(name, rows*cols, t, scale)
	a.rows = rows
	return a
}

// period is the number of elements after which values repeat: four times a
// number that has no factor in common with the sizes of models, so that rows
// differ and an element read from a wrong place shows, and so that a block is
// made of whole words in 16 bits too.
const period = 1<<20 + 28

// levels is the number of values an array has: few enough for each to be exact
// in 16 bits.
const levels = 64

// at is the value that element i starts with.
func (a *array) at(i int) float32 {
	if a.lo == a.hi {
		return float32(a.lo)
	}
	k := a.level(i)
	v := a.lo + (a.hi-a.lo)*(float64(k)+0.5)/levels
	if a.dtype == shaders.Q4 {
		v = a.hi * float64(int(k%16)-8) / 8
	}
	if a.form != nil {
		v = a.form(i, v)
	}
	return float32(v)
}

// level is which of an array's values element i has.
func (a *array) level(i int) uint32 { return mix(uint32(i%period)^a.seed()) % levels }

func (a *array) seed() uint32 {
	h := fnv.New32a()
	h.Write([]byte(a.name))
	return h.Sum32()
}

// mix spreads the bits of x over the whole word (Wellons, "lowbias32").
func mix(x uint32) uint32 {
	x = (x ^ x>>16) * 0x7feb352d
	x = (x ^ x>>15) * 0x846ca68b
	return x ^ x>>16
}

// bytes is the size of the array in GPU memory.
func (a *array) bytes() uint64 {
	if a.ints != nil {
		return 4 * uint64(a.len)
	}
	if a.dtype.Quantized() {
		return shaders.MatrixBytes(a.dtype, a.rows, a.len/a.rows)
	}
	return uint64(a.len) * uint64(a.dtype.Bits()) / 8
}

// fill writes the values that the array starts with.
func (a *array) fill(b *wgpu.Buffer) error {
	if a.ints != nil {
		words := make([]uint32, a.len)
		for i := range words {
			words[i] = a.ints(i)
		}
		return wgpu.Upload(b, 0, words)
	}
	if a.lo == 0 && a.hi == 0 {
		return nil // buffers start zeroed
	}
	if a.dtype.Quantized() {
		return a.fillIntegers(b)
	}
	values := make([]float32, min(a.len, period))
	for i := range values {
		values[i] = a.at(i)
	}
	return writeRepeated(b, 0, a.bytes(), shaders.Encode(a.dtype, values))
}

// writeRepeated fills a buffer from a place to another with a block over and over.
func writeRepeated(b *wgpu.Buffer, from, to uint64, block []byte) error {
	for at := from; at < to; at += uint64(len(block)) {
		if err := b.Write(at, block[:min(uint64(len(block)), to-at)]); err != nil {
			return err
		}
	}
	return nil
}

// fillIntegers writes the integers of at and the scale that makes them its values:
// of Q8 odd ones from -63 to 63, of Q4 all; [shaders.Quantize] has the layout.
func (a *array) fillIntegers(b *wgpu.Buffer) error {
	end := uint64(a.len) * uint64(a.dtype.Bits()) / 8
	if a.dtype == shaders.Q8 {
		block := make([]byte, min(a.len, period))
		for i := range block {
			block[i] = byte(int8(2*int(a.level(i)) - (levels - 1)))
		}
		if err := writeRepeated(b, 0, end, block); err != nil {
			return err
		}
		return writeRepeated(b, end, a.bytes(), shaders.Encode(shaders.F32, slices.Repeat([]float32{float32(a.hi / levels)}, 4096)))
	}
	block := make([]byte, min(a.len, 2*period)/2) // whole words of eight
	for i := range block {
		first := i/4*8 + i%4
		block[i] = byte(a.level(first)%16 | a.level(first+4)%16<<4)
	}
	if err := writeRepeated(b, 0, end, block); err != nil {
		return err
	}
	return writeRepeated(b, end, a.bytes(), shaders.Encode(shaders.F16, slices.Repeat([]float32{float32(a.hi / 8)}, 4096)))
}
