package shaders

import (
	"slices"

	"github.com/mambagpu/mambagpu/wgpu"
)

// SelectiveScanParams are the sizes and switches of one selective scan:
//
//	d_t = delta_t + bias, then softplus(d_t) if Softplus is set      (E)
//	h_t = exp(d_t A) . h_{t-1} + (d_t u_t) B_t                       (E,N)
//	y_t = sum_n h_t C_t + D u_t, then times silu(z_t) if HasZ is set (E)
//
// If Modulated is set, m_t . exp(d_t A) takes the place of exp(d_t A), where
// m_t (N) is used as it is and is the same for all channels.
//
// u, delta and y are dense (Batch, Length, Channels). B, C and m lie in one
// array: B_t at bc[row*BCStride + OffB + n], C_t likewise at OffC and m_t at
// OffM, row being b*Length+t unless sequences are packed. z is read at
// z[row*ZStride + OffZ + e].
// The weights are packed in one array: A (Channels, States), or (States) if
// SharedA is set, then D (Channels) if HasD is set, then bias (Channels) if
// HasBias is set.
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
	SharedA                 bool // all channels have the same A
	Modulated               bool // each token has factors of exp(d A)
	OffM                    int  // of m, if Modulated is set
	Packing
}

// scanVariant is what changes the code of a scan of this kind, real or complex.
type scanVariant struct {
	tile
	HasZ, HasD, HasBias, Softplus bool
	Fresh, SharedA                bool
}

// SelectiveScan dispatches the scan of u and delta (Batch, Length, Channels)
// into y of the same shape, from and to the state of the given slots (Batch).
// z may be nil if HasZ is not set.
func (k *Kernels) SelectiveScan(p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "selective_scan"}
	p.check(&c, maxElements)
	p.checkBuffers(&c, u, delta, bc, z, weights, slots, state, y)
	if c.err != nil {
		return nil, c.err
	}
	whole := slices.DeleteFunc(p.forms(k.dev.Limits(), k.dev.Info().Kind), func(f scanForm) bool { return f.chunks > 1 })
	return k.whole(k.scanForm(p, whole), p, u, delta, bc, z, weights, slots, state, y)
}

// SelectiveScanChunked is SelectiveScan that may cut the sequences into chunks of time,
// where a large GPU would have too few channels to be busy with. It is one dispatch, or
// the two that have to run one after the other.
func (k *Kernels) SelectiveScanChunked(p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	c := check{kernel: "selective_scan"}
	p.check(&c, maxElements)
	p.checkBuffers(&c, u, delta, bc, z, weights, slots, state, y)
	if c.err != nil {
		return nil, c.err
	}
	f := k.scanForm(p, p.forms(k.dev.Limits(), k.dev.Info().Kind))
	if f.chunks == 1 {
		d, err := k.whole(f, p, u, delta, bc, z, weights, slots, state, y)
		return []*wgpu.Dispatch{d}, err
	}
	summary, err := k.summary(f, ScanSummaryParams{p, p.Length / f.chunks}, u, delta, bc, weights, slots, state, y)
	if err != nil {
		return nil, err
	}
	scan, err := k.grouped(f, p, u, delta, bc, z, weights, slots, state, y)
	if err != nil {
		summary.Close()
		return nil, err
	}
	return []*wgpu.Dispatch{summary, scan}, nil
}

// whole dispatches a scan in a form without chunks.
func (k *Kernels) whole(f scanForm, p SelectiveScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	if f.groups > 0 {
		return k.grouped(f, p, u, delta, bc, z, weights, slots, state, y)
	}
	return k.dispatch("selective_scan", p.variant(), p.uniform(), p.grid(16), u, delta, bc, orElse(z, u), weights, slots, state, y)
}

// grid is one workgroup for so many channels of each sequence.
func (p SelectiveScanParams) grid(channels int) [3]uint32 {
	return [3]uint32{uint32(ceilDiv(p.Channels, channels)), uint32(p.Batch), 1}
}

func (p SelectiveScanParams) uniform() []byte {
	return uniform(p.Length, p.Channels, p.BCStride, p.OffB, p.OffC, p.ZStride, p.OffZ, p.OffM)
}

func (p SelectiveScanParams) checkBuffers(c *check, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) {
	p.checkBuffersOf(1, c, u, delta, bc, z, weights, slots, state, y)
}

// checkBuffersOf is checkBuffers where an element of A, B, C and the state takes so many
// numbers: one, or two if they are complex.
func (p SelectiveScanParams) checkBuffersOf(numbers int, c *check, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) {
	rows := p.Total(p.Batch, p.Length)
	c.words("u", size(u), rows*p.Channels)
	c.words("delta", size(delta), rows*p.Channels)
	c.words("bc", size(bc), p.bcWords(numbers))
	if p.Modulated {
		c.words("bc", size(bc), (rows-1)*p.BCStride+p.OffM+p.States)
	}
	if p.HasZ {
		c.words("z", size(z), (rows-1)*p.ZStride+p.OffZ+p.Channels)
	}
	c.words("weights", size(weights), p.weightCount(numbers))
	c.words("slots", size(slots), p.slotWords(p.Batch))
	c.words("state", size(state), numbers*p.Channels*p.States)
	c.words("y", size(y), rows*p.Channels)
}

// bcWords is the number of elements of bc, without m.
func (p SelectiveScanParams) bcWords(numbers int) int {
	return (p.Total(p.Batch, p.Length)-1)*p.BCStride + max(p.OffB, p.OffC) + numbers*p.States
}

// WeightCount is the number of elements of the packed weights.
func (p SelectiveScanParams) WeightCount() int { return p.weightCount(1) }

func (p SelectiveScanParams) weightCount(numbers int) int {
	n := numbers * p.States
	if !p.SharedA {
		n *= p.Channels
	}
	if p.HasD {
		n += p.Channels
	}
	if p.HasBias {
		n += p.Channels
	}
	return n
}

func (p SelectiveScanParams) check(c *check, maxLength int) { p.checkOf(1, c, maxLength) }

// checkOf is check for elements of so many numbers.
func (p SelectiveScanParams) checkOf(numbers int, c *check, maxLength int) {
	c.size("Batch", p.Batch, 1, maxAxis)
	c.size("Length", p.Length, 1, maxLength)
	c.size("Channels", p.Channels, 1, maxAxis*16)
	c.size("States", p.States, 1, 256)
	c.packing(p.Packing, p.Batch, p.Length)
	c.size("OffB", p.OffB, 0, p.BCStride-numbers*p.States)
	c.size("OffC", p.OffC, 0, p.BCStride-numbers*p.States)
	if p.Modulated {
		c.size("OffM", p.OffM, 0, p.BCStride-p.States)
	}
	if p.HasZ {
		c.size("OffZ", p.OffZ, 0, p.ZStride-p.Channels)
	}
}

// busyScans is the number of workgroups from which on a large GPU has others to
// run while one waits for its tile. With fewer, a longer tile has more to compute
// in that time: (1, 2048, 1536) took 256 us on an H100 with 8 steps and 193 with 16,
// while (8, 2048, 1024) is slower with 16.
const busyScans = 256

// variant has two columns, d and d u, and a cell for B and C of two states, and their m:
// eight steps or four, twice or once in workgroup memory; before them sixteen steps where
// there are few workgroups. 256 states fit.
func (p SelectiveScanParams) variant() scanVariant {
	shapes := []tileShape{{16, 2, true}, {16, 1, true}, {8, 2, true}, {4, 2, true}, {4, 1, true}}
	if p.Batch*ceilDiv(p.Channels, 16) >= busyScans {
		shapes = shapes[2:]
	}
	numbers := 4
	if p.Modulated {
		numbers = 6
	}
	t := tile{States: p.States, Row: 8 * ceilDiv(p.States, 16), Modulated: p.Modulated, Packed: p.Packed}
	return p.in(t.fit(2, numbers, shapes...))
}

// in is the variant with a tile.
func (p SelectiveScanParams) in(t tile) scanVariant {
	return scanVariant{
		tile: t, HasZ: p.HasZ, HasD: p.HasD, HasBias: p.HasBias, Softplus: p.Softplus, Fresh: p.Fresh, SharedA: p.SharedA,
	}
}

// Pairs is the pairs of states of a lane, which a real scan has a cell for.
func (v scanVariant) Pairs() int { return v.Row / 8 }
