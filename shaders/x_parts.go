package shaders

// xParts is how a workgroup shares x_proj's sums over a group of channels
// (include/x_parts.wgsl).
type xParts struct {
	Channels int // d_inner
	Groups   int // of channels
	Group    int // channels of a group
	Outputs  int // of x_proj
	Stride   int // of a row of parts
	Shares   int // invocations that share an output
	Span     int // quads of channels of each
	Wide     int // of those that lie in one element of W_x
	XWeights string
	Turned   bool // W_x lies by columns
}

// partsStride is the number of elements from one row of parts to the next.
func partsStride(outputs int) int { return ceilDiv(outputs, 4) * 4 }

// newXParts shares an output among invocations as long as there are enough of them,
// and each has a quad of channels.
func newXParts(channels, outputs, group, threads int, t DType) xParts {
	x := xParts{
		Channels: channels, Groups: ceilDiv(channels, group), Group: group,
		Outputs: outputs, Stride: partsStride(outputs), Shares: 1, XWeights: t.String(),
	}
	for 2*x.Shares*outputs <= threads && group%(8*x.Shares) == 0 {
		x.Shares *= 2
	}
	x.Span = group / 4 / x.Shares
	x.Wide = 1
	return x
}

// turned reads W_x as [TransposeQuads] lays it out, of Q4 both quads of a word at once.
func (x xParts) turned(t DType) xParts {
	x.Turned = true
	if t == Q4 && x.Span%2 == 0 && x.Group%8 == 0 {
		x.Wide = 2
	}
	return x
}
