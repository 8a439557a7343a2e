package shaders

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
