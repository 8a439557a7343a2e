package shaders

import "github.com/mambagpu/mambagpu/wgpu"

// LogDecaysParams are the sizes of a selective scan's weights as they are trained,
// A_log (Channels, States) and then Rest elements such as D and the bias, and as the
// scan reads them:
//
//	out[i] = -exp(log[i])    i < Channels States
//	out[i] = log[i]          of the others
type LogDecaysParams struct {
	Channels, States int
	Rest             int
}

// Words is the number of elements of each array.
func (p LogDecaysParams) Words() int { return p.Channels*p.States + p.Rest }

// LogDecays dispatches the scan's weights out (Words) of log (Words).
func (k *Kernels) LogDecays(p LogDecaysParams, log, out *wgpu.Buffer) (*wgpu.Dispatch, error) {
	c := check{kernel: "log_decays"}
	p.check(&c)
	c.words("log", size(log), p.Words())
	c.words("out", size(out), p.Words())
	if c.err != nil {
		return nil, c.err
	}
	return k.dispatch(c.kernel, nil, p.uniform(), p.grid(), log, out)
}

func (p LogDecaysParams) check(c *check) {
	c.size("Channels", p.Channels, 1, maxElements)
	c.size("States", p.States, 1, maxElements/max(p.Channels, 1))
	c.size("Rest", p.Rest, 0, maxElements)
}

func (p LogDecaysParams) uniform() []byte { return uniform(p.Channels*p.States, p.Words()) }

func (p LogDecaysParams) grid() [3]uint32 { return spread(ceilDiv(p.Words(), 256)) }
