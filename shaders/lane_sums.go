package shaders

import "slices"

// laneTile is a way to share a product of some rows with a weight matrix
// (include/lane_sums.wgsl). An invocation has M rows and N columns, of which its
// workgroup has PlacesM and PlacesN times as many; Near neighbours, Far times, share
// each sum.
type laneTile struct {
	M, N             int
	PlacesM, PlacesN int
	Near, Far        int
}

func (t laneTile) Rows() int        { return t.M * t.PlacesM }
func (t laneTile) Columns() int     { return t.N * t.PlacesN }
func (t laneTile) Places() int      { return t.PlacesM * t.PlacesN }
func (t laneTile) Lanes() int       { return t.Near * t.Far }
func (t laneTile) Invocations() int { return t.Places() * t.Lanes() }

// laneTiles lists the tiles for more than fewLaneRows rows, those that read activations
// and weights least first; later ones have more workgroups and share sums among more
// lanes. On an H100 (64,3072,768) of float16 weights takes the first 16 us (the tiles of
// Matmul 18), (64,768,1536) the second 11.4 and (64,80,1536) the third 4.7. Loading
// weights a turn ahead by hand takes registers that a second workgroup of a processor
// would have, and 24 us.
var laneTiles = []laneTile{
	{M: 8, N: 6, PlacesM: 2, PlacesN: 8, Near: 16, Far: 1},
	{M: 4, N: 4, PlacesM: 4, PlacesN: 2, Near: 8, Far: 4},
	{M: 2, N: 5, PlacesM: 4, PlacesN: 1, Near: 64, Far: 1},
}

// fewLaneRows is the number of rows up to which a workgroup has all of them.
const fewLaneRows = 8

// fewTile is a tile for that many rows that is worth it from so many workgroups and turns
// of lanes on.
type fewTile struct {
	laneTile
	groups, turns int
}

// floatTiles and integerTiles list them: those first that read activations and weights
// least, of integers, that unpack a block least often. What is read of activations is more
// than of weights, and comes from the cache next to a processor; as much counts that
// workgroups come in one round, or in many, so that what takes more registers than leave
// four workgroups of 128 invocations is slower. An H100 takes, in us:
//
//	                                     float16  8 bits  4 bits
//	(8,50280,768)                           41.5    40
//	(8,25140,2560)                          59      60
//	(8,10240,2560), norm, convolution       33.1    31.3    32
//	(8,2560,5120)                           18.7    19.1    18.3
//	(8,3072,768), norm, convolution          7.7     7.8
//	(8,768,1536)                             5.6
//	(8,80,1536)                              3.8
var (
	floatTiles = []fewTile{
		{laneTile{M: 4, N: 4, PlacesM: 2, PlacesN: 4, Near: 8, Far: 2}, 1024, 3},
		{laneTile{M: 8, N: 5, PlacesM: 1, PlacesN: 8, Near: 8, Far: 4}, 256, 3},
		{laneTile{M: 8, N: 5, PlacesM: 1, PlacesN: 4, Near: 8, Far: 4}, 256, 3},
		{laneTile{M: 2, N: 5, PlacesM: 4, PlacesN: 1, Near: 8, Far: 8}, 256, 3},
		{laneTile{M: 2, N: 4, PlacesM: 4, PlacesN: 2, Near: 8, Far: 4}, 256, 3},
		{laneTile{M: 2, N: 2, PlacesM: 4, PlacesN: 1, Near: 8, Far: 8}, 256, 3},
		{laneTile{M: 2, N: 1, PlacesM: 4, PlacesN: 1, Near: 8, Far: 8}, 0, 0},
	}
	integerTiles = []fewTile{
		{laneTile{M: 8, N: 5, PlacesM: 1, PlacesN: 4, Near: 8, Far: 4}, 1024, 8},
		{laneTile{M: 8, N: 5, PlacesM: 1, PlacesN: 8, Near: 8, Far: 2}, 1024, 3},
		{laneTile{M: 8, N: 5, PlacesM: 1, PlacesN: 8, Near: 8, Far: 4}, 256, 3},
		{laneTile{M: 8, N: 5, PlacesM: 1, PlacesN: 4, Near: 8, Far: 4}, 256, 3},
		{laneTile{M: 8, N: 5, PlacesM: 1, PlacesN: 2, Near: 8, Far: 8}, 256, 3},
		{laneTile{M: 4, N: 4, PlacesM: 2, PlacesN: 2, Near: 8, Far: 4}, 256, 3},
		{laneTile{M: 2, N: 2, PlacesM: 4, PlacesN: 1, Near: 8, Far: 8}, 256, 3},
		{laneTile{M: 2, N: 1, PlacesM: 4, PlacesN: 1, Near: 8, Far: 8}, 0, 0},
	}
)

// laneSums is what a kernel with such a product knows of it.
type laneSums struct {
	laneTile
	All       int // columns: rows of the weights
	K         int
	LDA, OffA int // of the activations, in elements
	Quads     int // of k
	Stride    int // blocks from one row of weights to the next
	Pass      int // sums of an invocation that meet at a time
	Weights   string
	Few       bool // there are up to fewLaneRows rows
	Norm      bool // activations are normalised
	Early     bool // what a sum ends with is loaded before they meet
}

// MaxLaneRows is the largest number of rows of a product that lanes share. Of more than
// fewLaneRows, maxLaneSums is the largest number of its elements, and maxLaneColumns that
// of k: of larger products the tiles of Matmul fill a GPU.
const (
	MaxLaneRows    = 64
	maxLaneSums    = 1 << 18
	maxLaneColumns = 1 << 11
)

// MinLaneRows is the number of rows of a product from which on sharing it so is faster
// than Matvec.
const MinLaneRows = 3

// laneFits reports whether lanes may share a product's sums: activations come in whole
// vectors.
func laneFits(m, n, k, lda, offA int) bool {
	if m > fewLaneRows && (m > MaxLaneRows || m*n > maxLaneSums || k > maxLaneColumns) {
		return false
	}
	return k%4 == 0 && lda%4 == 0 && offA%4 == 0
}

// newLaneSums shares the sums of a product.
func newLaneSums(m, n, k int, t DType) laneSums {
	v := laneSums{All: n, K: k, LDA: k, Quads: k / 4, Weights: t.String(), Few: m <= fewLaneRows}
	v.Stride = Stride(t, k) / 4 / v.Planes()
	v.laneTile = v.tile(m)
	return v.meeting()
}

// tile is the first tile that has workgroups enough, or else the last.
func (v laneSums) tile(m int) laneTile {
	if v.Few {
		return v.fewTile(m)
	}
	for _, t := range laneTiles {
		if ceilDiv(m, t.Rows())*ceilDiv(v.All, t.Columns()) >= laneGroups {
			return t
		}
	}
	return laneTiles[len(laneTiles)-1]
}

// fewTile is tile for few rows.
func (v laneSums) fewTile(m int) laneTile {
	list := floatTiles
	if v.Weights == Q8.String() || v.Weights == Q4.String() {
		list = integerTiles
	}
	i := slices.IndexFunc(list, func(f fewTile) bool {
		return ceilDiv(v.All, f.Columns()) >= f.groups && v.Blocks() >= f.turns*f.Lanes()
	})
	return list[i].of(m)
}

// of is the tile for m of its rows.
func (t laneTile) of(m int) laneTile {
	t.PlacesM = min(t.PlacesM, m)
	t.M = ceilDiv(m, t.PlacesM)
	return t
}

// meeting sets how many sums of an invocation meet at a time: no more than there are
// lanes, so that an invocation ends one of them at most.
func (v laneSums) meeting() laneSums {
	for p := 1; p <= min(v.M*v.N, v.Lanes()); p++ {
		if v.M*v.N%p == 0 && 4*p*v.Invocations() <= laneMemory {
			v.Pass = p
		}
	}
	return v
}

const (
	laneGroups = 100      // near the number of processors of a large GPU
	laneMemory = 12 << 10 // of the sums that meet at a time
)

// Halves reports whether weights have 16 bits.
func (v laneSums) Halves() bool {
	return v.Weights == F16.String() || v.Weights == BF16.String()
}

// Planes is the number of quads of a block. With more, neighbours' activations lie far
// apart: of 8 bits (8,10240,2560) took an H100 38 us by two quads and 46 by four, with
// otherwise the same tile.
func (v laneSums) Planes() int {
	if v.Weights == F32.String() {
		return 1
	}
	return 2
}

// Words is the number of words of a block.
func (v laneSums) Words() int {
	switch v.Weights {
	case Q8.String():
		return v.Planes()
	case Q4.String():
		return v.Planes() / 2
	}
	return 4
}

// Blocks is the number of blocks of k.
func (v laneSums) Blocks() int { return ceilDiv(v.Quads, v.Planes()) }

// Whole reports whether all lanes have as many blocks, and whole ones.
func (v laneSums) Whole() bool { return v.Quads%(v.Planes()*v.Lanes()) == 0 }

// Own is the number of rows of the tile that an invocation squares a share of.
func (v laneSums) Own() int { return ceilDiv(v.Rows(), v.Places()) }

// Memory is the bytes of workgroup memory.
func (v laneSums) Memory() int {
	n := 4 * v.Pass * v.Invocations()
	if v.Norm {
		n += 4 * v.Own() * v.Invocations()
	}
	return n
}

// laneQuad is quad At[1] of a block of column At[0].
type laneQuad struct {
	laneSums
	At [2]int
}

// Quad names a quad for the template of that name.
func (v laneSums) Quad(column, plane int) laneQuad { return laneQuad{v, [2]int{column, plane}} }

func (v laneSums) grid(m int) [3]uint32 {
	return [3]uint32{uint32(ceilDiv(v.All, v.Columns())), uint32(ceilDiv(m, v.Rows())), 1}
}
