package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// ComplexScanParams are the sizes and switches of one selective scan with
// complex A, B, C and state, the fields being those of [SelectiveScanParams]:
//
//	d_t = delta_t + bias, then softplus(d_t) if Softplus is set           (E)
//	h_t = exp(d_t A) . h_{t-1} + (d_t u_t) B_t                            (E,N)
//	y_t = 2 Re sum_n h_t C_t + D u_t, then times silu(z_t) if HasZ is set (E)
//
// If Modulated is set, m_t . exp(d_t A) takes the place of exp(d_t A), where
// m_t (N) is real, used as it is, and the same for all channels.
//
// u, delta and y are real and dense (Batch, Length, Channels). Complex numbers
// are pairs, real part first. B, C and m lie in one array: B_t[n] at
// bc[row*BCStride + OffB + 2n] and the element after it, C_t likewise at OffC,
// m_t[n] at bc[row*BCStride + OffM + n], row being b*Length+t unless sequences
// are packed; BCStride and the offsets count single numbers.
// z is read at z[row*ZStride + OffZ + e].
// The weights are packed in one array: A (Channels, States, 2), or (States, 2)
// if SharedA is set, then D (Channels) if HasD is set, then bias (Channels) if
// HasBias is set.
// The state (slots, Channels, States, 2) is read and replaced in place; batch
// row b uses slot slots[b].
type ComplexScanParams SelectiveScanParams

// SelectiveScanComplex dispatches the scan of u and delta (Batch, Length,
// Channels) into y of the same shape, from and to the state of the given slots
// (Batch). z may be nil if HasZ is not set.
func (k *Kernels) SelectiveScanComplex(p ComplexScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	return k.complexScan("selective_scan_complex", maxElements, p, u, delta, bc, z, weights, slots, state, y)
}

func (k *Kernels) complexScan(kernel string, maxLength int, p ComplexScanParams, u, delta, bc, z, weights, slots, state, y *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: kernel}
	p.check(&c, maxLength)
	if maxLength == 1 {
		c.unpacked(p.Packing)
	}
	r := p.real()
	r.checkBuffersOf(2, &c, u, delta, bc, z, weights, slots, state, y)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch(kernel, p.variant(), r.uniform(), r.grid(16), u, delta, bc, orElse(z, u), weights, slots, state, y)
}

// real is the same sizes and switches of a real scan, which differs in that an element of
// A, B, C and the state is one number and not two.
func (p ComplexScanParams) real() SelectiveScanParams { return SelectiveScanParams(p) }

// WeightCount is the number of elements of the packed weights.
func (p ComplexScanParams) WeightCount() int { return p.real().weightCount(2) }

func (p ComplexScanParams) check(c *check, maxLength int) { p.real().checkOf(2, c, maxLength) }

// bcWords is the number of elements of bc, without m.
func (p ComplexScanParams) bcWords() int { return p.real().bcWords(2) }

// variant has two columns: d and d u.
func (p ComplexScanParams) variant() scanVariant {
	return p.real().in(complexTile(p.States, 2, p.Modulated, p.Packed))
}
