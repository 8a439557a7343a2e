package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// SelectiveScanParams are the sizes and switches of one selective scan:
//
//	d_t = delta_t + bias, then softplus(d_t) if Softplus is set      (E)
//	h_t = exp(d_t A) . h_{t-1} + (d_t u_t) B_t                       (E,N)
//	y_t = sum_n h_t C_t + D u_t, then times silu(z_t) if HasZ is set (E)
//
// u, delta and y are dense (Batch, Length, Channels). B and C lie in one
// array: B_t at bc[(b*Length+t)*BCStride + OffB + n], C_t likewise at OffC.
// z is read at z[(b*Length+t)*ZStride + OffZ + e].
// The weights are packed in one array: A (Channels, States), then D (Channels)
// if HasD is set, then bias (Channels) if HasBias is set.
// The state (slots, Channels, States) is read and replaced in place; batch
// row b uses slot slots[b].
type SelectiveScanParams struct {
	Batch, Length, Channels int
	States                  int // d_state, 1 to 256
	BCStride, OffB, OffC    int
	ZStride, OffZ           int
	HasZ, HasD, HasBias     bool
	Softplus                bool
	Fresh                   bool // the initial state is zero, whatever the slot holds
}

type scanVariant struct {
	States                        int // d_state
	PerLane                       int // states of one of the 8 lanes
	Pairs                         int // pairs of states of a lane
	Steps                         int // of a tile
	Run                           int // steps whose parts of y are one vector
	Memory                        int // bytes of workgroup memory
	HasZ, HasD, HasBias, Softplus bool
	Fresh                         bool
}

// SelectiveScan dispatches the scan of u and delta (Batch, Length, Channels)
// into y of the same shape, from and to the state of the given slots (Batch).
// z may be nil if HasZ is not set.
func (k *Kernels) SelectiveScan(p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.scan("selective_scan", maxElements, p, u, delta, bc, z, weights, slots, state, y)
}

func (k *Kernels) scan(kernel string, maxLength int, p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: kernel}
	p.check(&c, maxLength)
	rows := p.Batch * p.Length
	c.words("u", size(u), rows*p.Channels)
	c.words("delta", size(delta), rows*p.Channels)
	c.words("bc", size(bc), (rows-1)*p.BCStride+max(p.OffB, p.OffC)+p.States)
	if p.HasZ {
		c.words("z", size(z), (rows-1)*p.ZStride+p.OffZ+p.Channels)
	}
	c.words("weights", size(weights), p.WeightCount())
	c.words("slots", size(slots), p.Batch)
	c.words("state", size(state), p.Channels*p.States)
	c.words("y", size(y), rows*p.Channels)
	if c.err != nil {
		return nil, c.err
	}
	grid := [3]uint32{uint32(ceilDiv(p.Channels, 16)), uint32(p.Batch), 1}
	return k.dispatch(kernel, p.variant(),
		uniform(p.Length, p.Channels, p.BCStride, p.OffB, p.OffC, p.ZStride, p.OffZ), grid,
		u, delta, bc, orElse(z, u), weights, slots, state, y)
}

// WeightCount is the number of elements of the packed weights.
func (p SelectiveScanParams) WeightCount() int {
	n := p.Channels * p.States
	if p.HasD {
		n += p.Channels
	}
	if p.HasBias {
		n += p.Channels
	}
	return n
}

func (p SelectiveScanParams) check(c *check, maxLength int) {
	c.size("Batch", p.Batch, 1, maxAxis)
	c.size("Length", p.Length, 1, maxLength)
	c.size("Channels", p.Channels, 1, maxAxis*16)
	c.size("States", p.States, 1, 256)
	c.size("OffB", p.OffB, 0, p.BCStride-p.States)
	c.size("OffC", p.OffC, 0, p.BCStride-p.States)
	if p.HasZ {
		c.size("OffZ", p.OffZ, 0, p.ZStride-p.Channels)
	}
}

// variant chooses the tile: as many steps, up to the 8 that 128 invocations
// load 16 channels of at once, as keep it within 16 KiB of workgroup memory.
func (p SelectiveScanParams) variant() scanVariant {
	v := scanVariant{
		States: p.States, PerLane: ceilDiv(p.States, 8),
		HasZ: p.HasZ, HasD: p.HasD, HasBias: p.HasBias, Softplus: p.Softplus, Fresh: p.Fresh,
	}
	v.Pairs = ceilDiv(v.PerLane, 2)
	for v.Steps = 8; scanMemory(v.Steps, v.Pairs) > 16<<10; v.Steps /= 2 {
	}
	v.Run = min(v.Steps, 4)
	v.Memory = scanMemory(v.Steps, v.Pairs)
	return v
}

// scanMemory is the bytes of workgroup memory of a tile: two buffers of 2
// numbers for 16 channels and 4 for each pair of states of 8 lanes, and two of
// 9 partial sums a channel.
func scanMemory(steps, pairs int) int { return 2 * 4 * steps * (2*16 + 4*8*pairs + 9*16) }
