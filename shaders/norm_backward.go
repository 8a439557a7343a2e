package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// MaxNormBackwardWidth is the widest row whose gradients the norms' backward
// kernels compute: an invocation holds its part of a row in registers.
const MaxNormBackwardWidth = 16384

// normInvocations is the size of the workgroups of the norms' backward kernels, and
// normGroups the number of them that fills a large GPU, two a processor.
const (
	normInvocations = 256
	normGroups      = 264
)

// normRows is how rms_norm_backward and layer_norm_backward share their work:
// Lanes invocations share a row, a workgroup walks groups of rows and leaves one row
// of sums for each parameter.
type normRows struct {
	Rows, Width int
	Sums        int // parameters: weight, and for some bias
}

// normVariant is what changes the code of these kernels.
type normVariant struct {
	Vec   bool // rows are whole vectors
	Add   bool
	Width int
	Lanes int // invocations that share a row, a power of two
	Quads int // groups of four columns that an invocation has
}

func (r normRows) lanes() int {
	lanes := 32
	for lanes < normInvocations && lanes*4*2 < r.Width {
		lanes *= 2
	}
	return lanes
}

// sideBySide is the number of rows that a workgroup has at a time.
func (r normRows) sideBySide() int { return normInvocations / r.lanes() }

// steps is the number of times that a workgroup takes rows.
func (r normRows) steps() int { return max(1, ceilDiv(r.Rows, normGroups*r.sideBySide())) }

// groups is the number of workgroups, and of rows of sums.
func (r normRows) groups() int { return ceilDiv(r.Rows, r.steps()*r.sideBySide()) }

func (r normRows) scratch() int { return r.groups() * r.Sums * r.Width }

func (r normRows) variant(add bool) normVariant {
	lanes := r.lanes()
	return normVariant{Vec: r.Width%4 == 0, Add: add, Width: r.Width, Lanes: lanes, Quads: ceilDiv(r.Width, 4*lanes)}
}

func (r normRows) uniform(eps float32) []byte { return uniform(r.Rows, r.steps(), eps) }

func (r normRows) check(c *check, x, weight, dy, dx, scratch *wgpu.Buffer) {
	c.size("Rows", r.Rows, 1, maxElements)
	c.size("Width", r.Width, 1, MaxNormBackwardWidth)
	c.words("x", size(x), r.Rows*r.Width)
	c.words("weight", size(weight), r.Width)
	c.words("dy", size(dy), r.Rows*r.Width)
	c.words("dx", size(dx), r.Rows*r.Width)
	c.words("scratch", size(scratch), r.scratch())
}
