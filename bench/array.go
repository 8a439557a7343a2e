package bench

import (
	"hash/fnv"

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
	k := mix(uint32(i%period)^a.seed()) % levels
	v := a.lo + (a.hi-a.lo)*(float64(k)+0.5)/levels
	if a.form != nil {
		v = a.form(i, v)
	}
	return float32(v)
}

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
	values := make([]float32, min(a.len, period))
	for i := range values {
		values[i] = a.at(i)
	}
	block := shaders.Encode(a.dtype, values)
	for at := uint64(0); at < a.bytes(); at += uint64(len(block)) {
		n := min(uint64(len(block)), a.bytes()-at)
		if err := b.Write(at, block[:n]); err != nil {
			return err
		}
	}
	return nil
}
