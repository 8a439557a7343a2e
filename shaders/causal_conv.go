package shaders

// CausalConvParams are the sizes of one depthwise causal convolution over
// time, with the Width-1 inputs before the first one taken from a state:
//
//	y[b,t,e] = act(sum_k w[e,k] * x[b, t-Width+1+k, e] + bias[e])
//
// x is read at x[(b*Length+t)*Stride + Offset + e]; y is dense.
// The state (slots, Channels, Width-1) holds the latest inputs, oldest first;
// batch row b uses slot slots[b], which is read and then replaced.
// The weights are packed in one array: w (Channels, Width), then bias
// (Channels) if Bias is set.
type CausalConvParams struct {
	Batch, Length, Channels int
	Width                   int // d_conv, 2 to 8
	Stride, Offset          int
	Bias                    bool
	SiLU                    bool // act is silu, otherwise the identity
	Fresh                   bool // the state read is zero, whatever the slot holds
}
