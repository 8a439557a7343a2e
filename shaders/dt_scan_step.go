package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// DtScanStepParams are the sizes of the second half of a layer's step, from x_proj's
// sums over groups of channels to the input of out_proj:
//
//	(dt, B, C) = sum_g parts[g]              (Rank + 2 States)
//	d = softplus(W_dt dt + bias)             (Channels)
//	h = exp(d A) . h + (d u) B               (Channels, States)
//	y = (sum_n h C + D u) silu(z)            (Channels)
//
// The state (slots, Channels, States) is that of SelectiveScan. The weights are A
// (Channels, States), then D (Channels), then bias (Channels).
type DtScanStepParams struct {
	Rows     int // sequences
	Channels int // d_inner
	Rank     int // dt_rank
	States   int // d_state, 1 to 256
	Groups   int
	Weights  DType // of W_dt, floats
}

// MaxDtScanStepOutputs is the largest Rank + 2 States that DtScanStep takes.
const MaxDtScanStepOutputs = 1024

type dtScanStepVariant struct {
	Channels, Groups, Rank, States int
	Quads                          int // of a row of parts
	Parts                          int // invocations that share a quad of the sums over groups
	Flight                         int // terms of those that an invocation has on their way
	Columns                        int // channels of a workgroup
	Lanes                          int // invocations that share a channel's states
	PerLane                        int // quads of states of each
	Pairs                          int // of channels of a workgroup
	Shares                         int // invocations that share a pair's sum over dt
	PerShare                       int // terms of each
	Weights                        string
	Vec                            bool         // states are read as whole vectors
	Gate                           bool         // of scan_gate_step
	Flow                           *flowVariant // of flow_out_step
	Planes                         int          // of y, there
	SumAt, ShareAt, ScanPool       int          // vectors of workgroup memory: where sums and shares begin, all
	Memory                         int
}

// DtScanStep dispatches the half step of uz (Rows, 2 Channels), u then z, and parts
// (Groups, Rows, Rank + 2 States padded to fours) with wdt, laid out by
// [TransposePairs], from and to the state of the given slots (Rows), into y (Rows,
// Channels).
func (k *Kernels) DtScanStep(p DtScanStepParams, uz, parts, wdt, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if err := p.check(uz, parts, wdt, weights, slots, state, y); err != nil {
		return nil, err
	}
	v := p.variant()
	grid := [3]uint32{uint32(ceilDiv(p.Channels, v.Columns)), uint32(p.Rows), 1}
	return k.dispatch("dt_scan_step", v, uniform(p.Rows), grid, uz, parts, wdt, weights, slots, state, y)
}

// dtScanStepLanes is the number of lanes of a channel: four for up to 32 states, so
// that a workgroup has many channels to share its sums, and more for more, up to
// those of eight channels.
func dtScanStepLanes(states int) int {
	lanes := 4
	for lanes < 32 && states > 8*lanes {
		lanes *= 2
	}
	return lanes
}

func (p DtScanStepParams) variant() dtScanStepVariant { return p.of(dtScanStepLanes(p.States)) }

// of completes a choice of lanes.
func (p DtScanStepParams) of(lanes int) dtScanStepVariant {
	v := dtScanStepVariant{
		Channels: p.Channels, Groups: p.Groups, Rank: p.Rank, States: p.States,
		Quads: ceilDiv(p.Rank+2*p.States, 4), Lanes: lanes,
		Weights: p.Weights.String(), Vec: p.States%4 == 0,
	}
	v.Parts = max(256/v.Quads, 1)
	v.Flight = min(ceilDiv(p.Groups, v.Parts), 16)
	v.Columns = 256 / v.Lanes
	v.PerLane = ceilDiv(p.States, 4*v.Lanes)
	v.Pairs = v.Columns / 2
	v.Shares = 256 / v.Pairs
	v.PerShare = ceilDiv(p.Rank, v.Shares)
	v.SumAt = v.Parts * v.Quads
	v.ShareAt = v.SumAt + v.Quads
	v.ScanPool = v.ShareAt + 256/2
	v.Memory = 16 * v.ScanPool
	return v
}

func (p DtScanStepParams) check(uz, parts, wdt, weights, slots, state, y *wgpu.Buffer) error {
	c := check{kernel: "dt_scan_step"}
	c.size("Rows", p.Rows, 1, maxAxis)
	c.size("Channels", p.Channels, 1, maxAxis*8)
	c.size("States", p.States, 1, 256)
	c.size("Rank", p.Rank, 1, MaxDtScanStepOutputs-2*p.States)
	c.size("Groups", p.Groups, 1, maxElements)
	c.off("quantised weights", p.Weights.Quantized())
	if c.err != nil {
		return c.err
	}
	c.words("uz", size(uz), p.Rows*2*p.Channels)
	c.words("parts", size(parts), p.Groups*p.Rows*partsStride(p.Rank+2*p.States))
	c.words("wdt", size(wdt), p.Rank*ceilDiv(p.Channels, 2)*2*p.Weights.Bits()/32)
	c.words("weights", size(weights), p.Channels*(p.States+2))
	c.words("slots", size(slots), p.Rows)
	c.words("state", size(state), p.Channels*p.States)
	c.words("y", size(y), p.Rows*p.Channels)
	return c.err
}
