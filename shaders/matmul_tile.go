package shaders

import (
	"fmt"

	"github.com/mambagpu/mambagpu/wgpu"
)

// matmulTile is a way to share a matrix product among workgroups and their
// invocations. A workgroup computes a tile of (LanesM M) x (LanesN N) elements, an
// invocation M x N of them; of several slices, each the whole tile for a share of k.
type matmulTile struct {
	LanesM, LanesN int // invocations of a slice along rows and columns, powers of two
	M, N           int // elements of an invocation, multiples of four
	Quads          int // of four columns of a and w that lie in workgroup memory at a time, a power of two
	Slices         int // of the invocations, that share a step's quads, a power of two
	speed
}

// speed is what was measured of a tile on an H100.
type speed struct {
	Rate  float64 // multiply-adds a nanosecond of a processor that Full workgroups share
	Full  int     // workgroups that a processor runs at a time
	Alone float64 // a few take as long as this many
}

// matmulTiles lists the tiles. Those of many elements an invocation read workgroup
// memory least; smaller ones fill a large GPU with products of few elements; the
// last four waste little of products of few rows or columns, such as x_proj and
// dt_proj and their gradients.
var matmulTiles = []matmulTile{
	{LanesM: 8, LanesN: 16, M: 16, N: 8, Quads: 4, Slices: 1, speed: speed{180, 2, 1.87}},
	{LanesM: 16, LanesN: 16, M: 8, N: 8, Quads: 8, Slices: 1, speed: speed{176, 1, 1}},
	{LanesM: 8, LanesN: 8, M: 8, N: 8, Quads: 4, Slices: 1, speed: speed{150, 4, 1.85}},
	{LanesM: 8, LanesN: 16, M: 8, N: 4, Quads: 4, Slices: 1, speed: speed{155, 5, 1.33}},
	{LanesM: 32, LanesN: 4, M: 4, N: 20, Quads: 4, Slices: 2, speed: speed{143, 1, 1}},
	{LanesM: 8, LanesN: 4, M: 4, N: 12, Quads: 8, Slices: 8, speed: speed{95, 1, 1}},
	{LanesM: 4, LanesN: 8, M: 4, N: 4, Quads: 16, Slices: 8, speed: speed{70, 2, 1}},
	{LanesM: 16, LanesN: 4, M: 4, N: 4, Quads: 8, Slices: 1, speed: speed{90, 6, 3}},
	{LanesM: 16, LanesN: 8, M: 8, N: 4, Quads: 4, Slices: 1, speed: speed{130, 4, 2.2}},
	{LanesM: 32, LanesN: 4, M: 4, N: 12, Quads: 4, Slices: 1, speed: speed{145, 4, 3.2}},
	{LanesM: 4, LanesN: 32, M: 12, N: 4, Quads: 4, Slices: 1, speed: speed{145, 4, 2.2}},
}

// matmulParts are the numbers of parts that sums are split into. More than manyParts
// are for the few sums over all tokens of the gradient of a weight matrix.
var matmulParts = []int{1, 2, 4, 8, 16, 32, 64, 128}

// Of more than manyParts, each has at least leastPart columns.
const (
	manyParts = 16
	leastPart = 256
)

func (t matmulTile) Rows() int        { return t.LanesM * t.M }
func (t matmulTile) Columns() int     { return t.LanesN * t.N }
func (t matmulTile) Step() int        { return 4 * t.Quads }
func (t matmulTile) Lanes() int       { return t.LanesM * t.LanesN }
func (t matmulTile) Invocations() int { return t.Lanes() * t.Slices }
func (t matmulTile) SliceQuads() int  { return t.Quads / t.Slices }
func (t matmulTile) GroupsM() int     { return t.M / 4 }
func (t matmulTile) GroupsN() int     { return t.N / 4 }

// WarpM and WarpN are how 32 neighbouring invocations lie on the tile.
func (t matmulTile) WarpM() int { return 32 / t.WarpN() }
func (t matmulTile) WarpN() int { return min(8, t.LanesN) }

// TurnM and TurnN are by how many lanes the rows of a quad are turned against those
// of the one before: together the quads that neighbouring invocations store fill the
// 8 banks of 16 bytes.
func (t matmulTile) TurnM() int { return max(1, min(8, t.LanesM)/t.Quads) }
func (t matmulTile) TurnN() int { return max(1, min(8, t.LanesN)/t.Quads) }

// Units is the number of quads of four rows that a step loads, UnitsA that of a's,
// which come first.
func (t matmulTile) Units() int  { return (t.Rows() + t.Columns()) / 4 * t.Quads }
func (t matmulTile) UnitsA() int { return t.Rows() / 4 * t.Quads }

// matmulLoad is the I-th unit that an invocation loads, First units after its number.
type matmulLoad struct {
	I, First int
	A        bool // of a, for the first invocation
	Mixed    bool // of a for some invocations, of w for others
	Some     bool // there is none for some invocations
}

// Loads lists the units that an invocation loads.
func (t matmulTile) Loads() []matmulLoad {
	var list []matmulLoad
	n, all, ofA := t.Invocations(), t.Units(), t.UnitsA()
	for first := 0; first < all; first += n {
		l := matmulLoad{I: len(list), First: first, A: first < ofA}
		l.Mixed = l.A && first+n > ofA
		l.Some = first+n > all
		list = append(list, l)
	}
	return list
}

// Memory is the bytes of workgroup memory.
func (t matmulTile) Memory() int {
	n := 16 * t.Quads * (t.Rows() + t.Columns())
	if t.Slices > 1 {
		n += 16 * t.Invocations()
	}
	return n
}

// name is the variant's: "128x128x16/16x8", the tile with the step of k, and the
// elements of an invocation.
func (t matmulTile) name() string {
	return fmt.Sprintf("%dx%dx%d/%dx%d", t.Rows(), t.Columns(), t.Step(), t.M, t.N)
}

// within reports whether a device can run the tile.
func (t matmulTile) within(l wgpu.Limits) bool {
	return t.Memory() <= int(l.MaxWorkgroupMemory) && t.Invocations() <= int(l.MaxInvocations)
}

// covers reports whether a grid has room for all tiles of a product.
func (t matmulTile) covers(p MatmulParams) bool {
	return ceilDiv(p.M, t.Rows()) <= maxAxis && ceilDiv(p.N, t.Columns()) <= maxAxis
}

// pairs reports whether an invocation has all of two rows of c, where those have to lie in
// words together.
func (t matmulTile) pairs(p MatmulParams) bool { return !p.HalvesC || t.Slices == 1 }

// maxScratch is the largest number of words that parts may take: 16 MiB stay in a
// large GPU's cache.
const maxScratch = 4 << 20

// splits reports whether the sums of a product can be split: no part is empty, all of
// them fit, and their sum does not lie in halves.
func (t matmulTile) splits(p MatmulParams, parts int) bool {
	if p.HalvesC || parts > manyParts && p.K < parts*leastPart {
		return false
	}
	steps := ceilDiv(p.K, t.Step())
	return ceilDiv(steps, ceilDiv(steps, parts)) == parts && parts*p.M*p.N <= maxScratch
}

// What else an H100 has: multiprocessors, what a dispatch takes at least that waits
// for the one before, the sum of parts after it, and how fast parts are written and
// read; how fast elements are written, which a large tile does after the last sum, with
// little else to do meanwhile, and how fast all operands could be read and written.
const (
	processors = 132
	startNs    = 6400
	sumNs      = 3800
	partsRate  = 4500 // bytes a nanosecond
	endRate    = 3500 // of up to two workgroups at a time, and more of more
	memoryRate = 2800
)

// cost estimates the nanoseconds of a product on an H100. Workgroups come in rounds,
// of which the last may fill the GPU in part only. The numbers here and in matmulTiles
// are near those with which it fits measured times best, from 11 us to 4 ms: about 4%
// off in the root mean square for the large tiles, 12% for all from 60 us on, while
// shorter times are overestimated by up to a quarter, those of all tiles alike. Of 40
// shapes, most of a backward pass, the choice is 12% slower than the fastest tile at
// most, 0.7% in the mean. Operands that lie transposed take as long.
// Other GPUs have other numbers, but the order of the choices is much the same.
func (t matmulTile) cost(p MatmulParams, parts int) float64 {
	groups := ceilDiv(ceilDiv(p.M, t.Rows())*ceilDiv(p.N, t.Columns())*parts, processors)
	rounds := float64(groups / t.Full * t.Full)
	if rest := groups % t.Full; rest > 0 {
		rounds += max(float64(rest), t.Alone)
	}
	steps := ceilDiv(ceilDiv(p.K, t.Step()), parts)
	ns := rounds * float64(t.Rows()*t.Columns()*steps*t.Step()) / t.Rate
	if parts == 1 {
		ns += float64(4*p.M*p.N) / endRate / max(1, float64(t.Full)/2)
	}
	bytes := float64(4*p.M*(p.K+p.N)) + float64(MatrixBytes(p.Weights, p.N, p.K))
	ns = startNs + max(ns, bytes/memoryRate) + 0.1*min(ns, bytes/memoryRate) // mostly at the same time
	if parts > 1 {
		ns += sumNs + float64(8*parts*p.M*p.N)/partsRate
	}
	return ns
}

// matmulChoice is a tile with a number of parts.
type matmulChoice struct {
	matmulTile
	parts int
	cost  float64
}

// name is the variant's: the tile's, or with parts "64x80x32/4x20/k4".
func (c matmulChoice) name() string {
	if c.parts == 1 {
		return c.matmulTile.name()
	}
	return fmt.Sprintf("%s/k%d", c.matmulTile.name(), c.parts)
}

// parseMatmul is the tile and the parts of a name out of variants.
func parseMatmul(name string) (matmulTile, int) {
	for _, t := range matmulTiles {
		for _, parts := range matmulParts {
			if (matmulChoice{t, parts, 0}).name() == name {
				return t, parts
			}
		}
	}
	return matmulTiles[0], 1
}
