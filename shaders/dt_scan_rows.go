package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// dtScanRowsVariant shares a workgroup among a few sequences.
type dtScanRowsVariant struct {
	Channels, Rank, States int
	Quads                  int // of a row of p
	Rows                   int // of a workgroup
	Columns                int // channels of a workgroup
	Lanes                  int // invocations that share a channel's states
	PerLane                int // quads of states of each
	Pairs                  int // of channels of a workgroup
	Shares                 int // invocations that share a pair's sum over dt
	PerShare               int // terms of each
	Weights                string
	Memory                 int
}

// dtScanRowsMemory is the workgroup memory that every device has.
const dtScanRowsMemory = 16 << 10

// DtScanRows dispatches DtScanStep of whole sums, Groups being 1: a workgroup has a few
// sequences, so that with many of them A and W_dt are read less often. [DtScanRowsFits]
// says which sizes it takes.
func (k *Kernels) DtScanRows(p DtScanStepParams, uz, sums, wdt, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(uz, sums, wdt, weights, slots, state, y); err != nil {
		return nil, err
	}
	c := check{kernel: "dt_scan_rows"}
	c.size("Groups", p.Groups, 1, 1)
	if c.off("sizes that are not whole vectors or too large", !DtScanRowsFits(p)); c.err != nil {
		return nil, c.err
	}
	v := p.rowsVariant()
	grid := [3]uint32{uint32(ceilDiv(p.Channels, v.Columns)), uint32(ceilDiv(p.Rows, v.Rows)), 1}
	return k.dispatch("dt_scan_rows", v, uniform(p.Rows), grid, uz, sums, wdt, weights, slots, state, y)
}

// DtScanRowsFits reports whether DtScanRows takes the sizes: dt and states come in
// whole vectors, and a sequence of each workgroup fits its memory.
func DtScanRowsFits(p DtScanStepParams) bool {
	return p.Rank%4 == 0 && p.States%4 == 0 && p.Rank <= 256 && p.rowsVariant().Memory <= dtScanRowsMemory
}

// rowsVariant has as many sequences in a workgroup, up to four, as there are and fit, and
// leave a workgroup for every processor of a large GPU.
func (p DtScanStepParams) rowsVariant() dtScanRowsVariant {
	v := dtScanRowsVariant{
		Channels: p.Channels, Rank: p.Rank, States: p.States, Quads: ceilDiv(p.Rank+2*p.States, 4),
		Lanes: dtScanStepLanes(p.States), Weights: p.Weights.String(),
	}
	v.Columns = 256 / v.Lanes
	v.PerLane = ceilDiv(p.States, 4*v.Lanes)
	v.Pairs = v.Columns / 2
	v.Shares = 256 / v.Pairs
	v.PerShare = ceilDiv(p.Rank, v.Shares)
	for v.Rows = 4; ; v.Rows /= 2 {
		v.Memory = v.Rows * (16*v.Quads + 8*256 + 8*v.Columns)
		busy := ceilDiv(p.Channels, v.Columns)*ceilDiv(p.Rows, v.Rows) >= laneGroups
		if v.Rows == 1 || v.Rows <= p.Rows && busy && v.Memory <= dtScanRowsMemory {
			return v
		}
	}
}
