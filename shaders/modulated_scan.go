package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ModulatedScanParams are the sizes of one scan whose complex diagonal A is
// shared by the channels and whose A, B and C are modulated by the token:
//
//	h_t = (a_t . Abar_t) . h_{t-1} + (phi_t . B + b_t) u_t    complex (E,N)
//	y_t = 2 Re sum_n (C + c_t) h_t + D u_t                    (E)
//
// u and y are dense (Batch, Length, Channels). a . Abar and phi are the cells
// (Batch, Length, States, 4) that [Kernels.Discretize] makes: the real and the
// imaginary part of the one, then of the other. b_t is at
// s[row*Stride + OffB + e], real and the same for all states, c_t likewise at
// OffC, row being b*Length+t unless sequences are packed.
// The weights are real and packed in one array: B (Channels, States), then C
// (Channels, States), then D (Channels).
// The state (slots, Channels, States, 2), real and imaginary parts, is read and
// replaced in place; batch row b uses slot slots[b].
type ModulatedScanParams struct {
	Batch, Length, Channels int
	States                  int  // d_state, 1 to 256
	Stride, OffB, OffC      int  // of s
	Fresh                   bool // the initial state is zero, whatever the slot holds
	Packing
}

type modulatedVariant struct {
	tile
	Fresh bool
}

// ModulatedScan dispatches the scan of u (Batch, Length, Channels) into y of the
// same shape, from and to the state of the given slots (Batch).
func (k *Kernels) ModulatedScan(p ModulatedScanParams, u, cells, s, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.modulatedScan("modulated_scan", maxElements, p, u, cells, s, weights, slots, state, y)
}

func (k *Kernels) modulatedScan(kernel string, maxLength int, p ModulatedScanParams, u, cells, s, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: kernel}
	p.check(&c, maxLength)
	if maxLength == 1 {
		c.unpacked(p.Packing)
	}
	rows := p.Total(p.Batch, p.Length)
	c.words("u", size(u), rows*p.Channels)
	c.words("cells", size(cells), 4*rows*p.States)
	c.words("s", size(s), p.sWords())
	c.words("weights", size(weights), p.WeightCount())
	c.words("slots", size(slots), p.slotWords(p.Batch))
	c.words("state", size(state), 2*p.Channels*p.States)
	c.words("y", size(y), rows*p.Channels)
	if c.err != nil {
		return nil, c.err
	}
	grid := [3]uint32{uint32(ceilDiv(p.Channels, 16)), uint32(p.Batch), 1}
	return k.dispatch(kernel, p.variant(),
		uniform(p.Length, p.Channels, p.Stride, p.OffB, p.OffC), grid,
		u, cells, s, weights, slots, state, y)
}

func (p ModulatedScanParams) check(c *check, maxLength int) {
	c.size("Batch", p.Batch, 1, maxAxis)
	c.size("Length", p.Length, 1, maxLength)
	c.size("Channels", p.Channels, 1, maxAxis*16)
	c.size("States", p.States, 1, 256)
	c.size("OffB", p.OffB, 0, p.Stride-p.Channels)
	c.size("OffC", p.OffC, 0, p.Stride-p.Channels)
	c.packing(p.Packing, p.Batch, p.Length)
}

// sWords is the number of elements of s.
func (p ModulatedScanParams) sWords() int {
	return (p.Total(p.Batch, p.Length)-1)*p.Stride + max(p.OffB, p.OffC) + p.Channels
}

// WeightCount is the number of elements of the packed weights.
func (p ModulatedScanParams) WeightCount() int {
	return p.Channels * (2*p.States + 1)
}

// variant has three columns: u, b and c.
func (p ModulatedScanParams) variant() modulatedVariant {
	return modulatedVariant{complexTile(p.States, 3, false, p.Packed), p.Fresh}
}
