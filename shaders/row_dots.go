package shaders

// rowDots is how a workgroup shares the products of rows of weights with a few rows
// of activations (include/row_dots.wgsl).
type rowDots struct {
	N, K    int // rows and columns of the weights
	LDA     int // elements from one row of activations to the next
	OffA    int // elements before the first
	Blocks  int // of a row
	Rows    int // of activations
	Lanes   int // invocations that share rows of weights
	Each    int // rows of weights that they share
	Loads   int // blocks of each row that an invocation has on their way
	Threads int // invocations of a workgroup
	Columns int // rows of weights of a workgroup
	Planes  int // quads of a block
	Chunk   int // blocks of activations in workgroup memory
	Stages  int // quads of a row of them that an invocation brings there
	Sums    int // vectors of an invocation's sums
	Squares int // vectors of its sums of squares
	Left    int // of the lanes' sums, after the first adding
	Pool    int // vectors of workgroup memory
	Memory  int // bytes of it
	Weights string
	Norm    bool // activations are normalised
	Vec     bool // activations are read as whole vectors
	VecGain bool // so is the gain, with what lies behind it
	Conv    bool // of in_proj_step
	Keep    bool // normalised activations are handed to keep
	Carry   bool // activations are handed to carry
	rowHeld
}

// rowShape is what the choice of a rowDots depends on.
type rowShape struct {
	m, n, k int
	weights DType
	norm    bool
}

// of completes a choice of lanes, rows and loads.
func (s rowShape) of(lanes, each, loads, threads int) rowDots {
	v := rowDots{
		N: s.n, K: s.k, LDA: s.k, Blocks: s.blocks(), Rows: s.m, Lanes: lanes, Each: each, Loads: loads, Threads: threads,
		Columns: threads / lanes * each, Planes: 32 / s.weights.Bits(),
		Sums: ceilDiv(each*s.m, 4), Squares: ceilDiv(s.m, 4),
		Weights: s.weights.String(), Norm: s.norm,
	}
	for v.Left = 2; v.Left*v.Left < lanes; v.Left *= 2 {
	}
	if !s.norm {
		v.Squares = 0
	}
	// As few chunks of activations as fit, all of one size.
	step := lanes * loads
	steps := ceilDiv(ceilDiv(s.k, 4*v.Planes), step)
	most := max(s.fits()/step, 1)
	v.Chunk = ceilDiv(steps, ceilDiv(steps, most)) * step
	v.Stages = ceilDiv(v.Chunk*v.Planes, threads)
	v.Pool = max(s.m*v.Planes*v.Chunk, (v.Sums+v.Squares)*threads)
	v.Memory = 16 * v.Pool
	return v
}

// rowMemory bounds the activations in workgroup memory.
const rowMemory = 12 << 10

// choose shares the rows of weights so that there are enough workgroups to fill a
// large GPU, first with more lanes a row, where the row is long enough, and where there
// are more than enough with more rows to a lane, which then reads activations less often.
func (s rowShape) choose() rowDots {
	if s.holds() {
		return s.heldRows()
	}
	const threads, enough = 256, 256
	lanes, each := s.lanes(32), 1
	for lanes < 128 && 2*lanes <= s.fits() && s.blocks() >= 4*lanes && s.n*lanes < enough*threads {
		lanes *= 2
	}
	for each < 4 && 2*each*s.m <= 8 && s.n*lanes >= 4*each*enough*threads {
		each *= 2
	}
	return s.of(lanes, each, s.loads(lanes, each), threads)
}

// grouped has the given number of rows of weights in a workgroup, a multiple of 8 up to 64,
// and at least as many invocations as asked for, up to 256.
func (s rowShape) grouped(rows, invocations int) rowDots {
	lanes, threads := s.lanes(32), 256
	for lanes > 4 && rows*lanes > min(5, 8/s.m)*threads {
		lanes /= 2
	}
	for rows*lanes < threads && threads/2 >= max(invocations, 64) {
		threads /= 2
	}
	for rows*lanes < threads {
		lanes *= 2
	}
	each := ceilDiv(rows*lanes, threads)
	v := s.of(lanes, each, s.loads(lanes, each), threads)
	v.Columns = rows
	return v
}

func (s rowShape) blocks() int { return Stride(s.weights, s.k) * s.weights.Bits() / 128 }

// fits is the number of blocks whose activations fit workgroup memory.
func (s rowShape) fits() int { return rowMemory / 16 / (s.m * 32 / s.weights.Bits()) }

// lanes is the largest power of two from 8 to most that a row has blocks for.
func (s rowShape) lanes(most int) int {
	lanes := 8
	for 2*lanes <= min(s.blocks(), s.fits(), most) {
		lanes *= 2
	}
	return lanes
}

// loads is the number of blocks of each row that an invocation has on their way, with
// the fewest past the row's end, and of those the most up to eight of all rows.
func (s rowShape) loads(lanes, each int) int {
	best, waste := 1, lanes
	for n := 1; n <= 6 && n*each <= 8 && (n == 1 || n*lanes <= s.fits()); n++ {
		if w := ceilDiv(s.blocks(), lanes*n)*lanes*n - s.blocks(); n == 1 || w <= waste {
			best, waste = n, w
		}
	}
	return best
}

// vectors reads activations as whole vectors, and before integers the gain too. Floats are no
// faster so: in_proj_step of 130m takes 6.16 us in place of 6.01.
func (v *rowDots) vectors(t DType, whole bool) {
	v.Vec, v.VecGain = whole, whole && t.Quantized()
}
