package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ColumnSumsParams are the sizes of sums over rows:
//
//	sums[OffOut+n] += sum_r x[r*Stride+Offset+n]
//
// with r < Rows and n < Columns.
type ColumnSumsParams struct {
	Rows, Columns  int
	Stride, Offset int // of x, in elements
	OffOut         int
}

// How column_sums shares its work: invocations of a workgroup, rows that each of
// them sums at least, and workgroups that fill a large GPU.
const (
	sumsInvocations = 256
	sumsRows        = 16
	sumsGroups      = 1024
)

// columnSumsVariant is what changes the code of column_sums.
type columnSumsVariant struct {
	Invocations int
	Lanes       int  // invocations side by side in a row, a power of two
	Add         bool // sums are added to, not replaced
}

// ColumnSums dispatches the sums of the columns of x, added to sums
// (OffOut+Columns). Of many rows, groups are summed into scratch, of at least
// ColumnSumsScratch(p) words, and a second dispatch adds these in order; of few it is
// one dispatch and scratch may be nil.
func (k *Kernels) ColumnSums(p ColumnSumsParams, x, scratch, sums *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	parts := p.parts()
	c := check{kernel: "column_sums"}
	c.size("Rows", p.Rows, 1, maxElements)
	c.size("Columns", p.Columns, 1, maxAxis*p.lanes())
	c.size("Stride", p.Stride, p.Columns, maxElements)
	c.size("Offset", p.Offset, 0, maxElements)
	c.size("OffOut", p.OffOut, 0, maxElements)
	c.words("x", size(x), (p.Rows-1)*p.Stride+p.Offset+p.Columns)
	c.words("scratch", size(scratch), p.scratch())
	c.words("sums", size(sums), p.OffOut+p.Columns)
	if c.err != nil {
		return nil, c.err
	}
	if parts == 1 {
		d, err := k.columnSums(p, 1, true, x, sums)
		return []*wgpu.Dispatch{d}, err
	}
	first := p
	first.OffOut = 0
	groups, err := k.columnSums(first, parts, false, x, scratch)
	if err != nil {
		return nil, err
	}
	second := ColumnSumsParams{Rows: parts, Columns: p.Columns, Stride: p.Columns, OffOut: p.OffOut}
	all, err := k.columnSums(second, 1, true, scratch, sums)
	if err != nil {
		groups.Close()
		return nil, err
	}
	return []*wgpu.Dispatch{groups, all}, nil
}

// ColumnSumsScratch is the number of words of scratch that ColumnSums needs, none
// where the rows are few.
func (k *Kernels) ColumnSumsScratch(p ColumnSumsParams) int { return p.scratch() }

// columnSums dispatches the sums of parts groups of rows, each to a row of out.
func (k *Kernels) columnSums(p ColumnSumsParams, parts int, add bool, x, out *wgpu.Buffer) (*wgpu.Dispatch, error) {
	v := columnSumsVariant{Invocations: sumsInvocations, Lanes: p.lanes(), Add: add}
	grid := [3]uint32{uint32(ceilDiv(p.Columns, v.Lanes)), uint32(parts), 1}
	return k.dispatch("column_sums", v, uniform(p.Rows, p.Columns, p.Stride, p.Offset, p.OffOut), grid, x, out)
}

func (p ColumnSumsParams) lanes() int { return min(64, near(p.Columns)) }

// parts is the number of groups that rows are summed in, whose sums a workgroup
// can add.
func (p ColumnSumsParams) parts() int {
	least := sumsInvocations / p.lanes() * sumsRows // rows of a group
	return max(1, min(p.Rows/least, ceilDiv(sumsGroups, ceilDiv(p.Columns, p.lanes())), 2*least))
}

func (p ColumnSumsParams) scratch() int {
	if n := p.parts(); n > 1 {
		return n * p.Columns
	}
	return 0
}

// Memory is the bytes of workgroup memory.
func (v columnSumsVariant) Memory() int { return 4 * v.Invocations }

// RowLanes is the number of rows that a workgroup sums side by side.
func (v columnSumsVariant) RowLanes() int { return v.Invocations / v.Lanes }
