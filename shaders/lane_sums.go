package shaders

// laneTile is a way to share a product of some rows with a weight matrix
// (include/lane_sums.wgsl). An invocation has M rows and N columns, of which its
// workgroup has PlacesM and PlacesN times as many; Lanes invocations share each sum.
type laneTile struct {
	M, N             int
	PlacesM, PlacesN int
	Lanes            int
}

func (t laneTile) Rows() int        { return t.M * t.PlacesM }
func (t laneTile) Columns() int     { return t.N * t.PlacesN }
func (t laneTile) Places() int      { return t.PlacesM * t.PlacesN }
func (t laneTile) Invocations() int { return t.Places() * t.Lanes }

// laneTiles lists the tiles, those that read activations and weights least first; later
// ones have more workgroups and share sums among more lanes. On an H100 (64,3072,768) of
// float16 weights, read by quads, takes the first 16 us (the tiles of Matmul 23),
// (64,768,1536) the second 12.5 and (64,80,1536) the third 4.7 (in parts 7.9). Loading
// weights a turn ahead by hand takes registers that a second workgroup of a processor
// would have, and 24 us.
var laneTiles = []laneTile{
	{M: 8, N: 6, PlacesM: 2, PlacesN: 8, Lanes: 16},
	{M: 8, N: 6, PlacesM: 2, PlacesN: 2, Lanes: 64},
	{M: 2, N: 5, PlacesM: 4, PlacesN: 1, Lanes: 64},
}

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
	Norm      bool // activations are normalised
}

// MaxLaneRows is the largest number of rows of a product that lanes share, maxLaneSums
// that of its elements, and maxLaneColumns that of k: of larger products the tiles of
// Matmul fill a GPU.
const (
	MaxLaneRows    = 64
	maxLaneSums    = 1 << 18
	maxLaneColumns = 1 << 11
)

// laneFits reports whether lanes may share a product's sums: activations come in whole
// vectors.
func laneFits(m, n, k, lda, offA int) bool {
	return m <= MaxLaneRows && m*n <= maxLaneSums && k <= maxLaneColumns && k%4 == 0 && lda%4 == 0 && offA%4 == 0
}

// newLaneSums has the first of the tiles that gives every processor of a large GPU a
// workgroup, or else the last.
func newLaneSums(m, n, k int, t DType) laneSums {
	v := laneSums{All: n, K: k, LDA: k, Quads: k / 4, Weights: t.String()}
	v.Stride = Stride(t, k) / 4 / v.Planes()
	for _, v.laneTile = range laneTiles {
		if ceilDiv(m, v.Rows())*ceilDiv(n, v.Columns()) >= laneGroups {
			break
		}
	}
	for p := 1; p <= v.M*v.N; p++ {
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

// Halves reports whether a block is 16 bytes of weights of 16 bits; otherwise it is a
// quad.
func (v laneSums) Halves() bool {
	return v.Weights == F16.String() || v.Weights == BF16.String()
}

// Planes is the number of quads of a block.
func (v laneSums) Planes() int {
	if v.Halves() {
		return 2
	}
	return 1
}

// Blocks is the number of blocks of k.
func (v laneSums) Blocks() int { return ceilDiv(v.Quads, v.Planes()) }

// Whole reports whether all lanes have as many blocks, and whole ones.
func (v laneSums) Whole() bool { return v.Quads%(v.Planes()*v.Lanes) == 0 }

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

func (v laneSums) grid(m int) [3]uint32 {
	return [3]uint32{uint32(ceilDiv(v.All, v.Columns())), uint32(ceilDiv(m, v.Rows())), 1}
}
