package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// DiscretizeParams are the sizes and switches of an exact zero-order hold. For
// each row t and state n, with A complex and shared by the channels,
//
//	delta_t   = s[t*Stride + OffDelta], then softplus(delta_t) if Softplus is set
//	m_t[n]    = sigmoid(s[t*Stride + OffMod + n]) if Modulated is set, else 1
//	Abar_t[n] = exp(delta_t A[n])
//	phi_t[n]  = (Abar_t[n] - 1) / A[n], which is delta_t where A[n] is 0
//
// The output is dense (Rows, States, 4): the real and the imaginary part of
// m_t Abar_t, then those of phi_t. A is (States, 2), real and imaginary parts; if Log
// is set, the array holds log(-Re A) (States), then Im A (States), as they are trained.
//
// The step's rounding turns Abar by delta Im A times it: an angle of 1000
// radians is known to 6e-5 when delta is known to half a unit in the last place.
// The kernel itself adds 1e-6 at 1e4 radians.
type DiscretizeParams struct {
	Rows, States             int
	Stride, OffDelta, OffMod int
	Softplus, Modulated      bool
	Log                      bool // what a holds
}

type discretizeVariant struct{ Softplus, Modulated, Log bool }

// Discretize dispatches the hold of A (States, 2) for the rows of s into cells
// (Rows, States, 4).
func (k *Kernels) Discretize(p DiscretizeParams, s, a, cells *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "discretize"}
	p.check(&c)
	c.words("s", size(s), p.words())
	c.words("a", size(a), 2*p.States)
	c.words("cells", size(cells), 4*p.Rows*p.States)
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch("discretize", discretizeVariant{p.Softplus, p.Modulated, p.Log},
		uniform(p.Rows, p.States, p.Stride, p.OffDelta, p.OffMod), spread(ceilDiv(p.Rows*p.States, 64)), s, a, cells)
}

func (p DiscretizeParams) check(c *check) {
	c.size("Rows", p.Rows, 1, maxElements)
	c.size("States", p.States, 1, 256)
	c.size("OffDelta", p.OffDelta, 0, p.Stride-1)
	if p.Modulated {
		c.size("OffMod", p.OffMod, 0, p.Stride-p.States)
	}
}

// words is the number of elements of s.
func (p DiscretizeParams) words() int {
	end := p.OffDelta + 1
	if p.Modulated {
		end = max(end, p.OffMod+p.States)
	}
	return (p.Rows-1)*p.Stride + end
}
