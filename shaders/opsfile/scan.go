package opsfile

import (
	"slices"

	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// parts is a tensor of one part, or the real and the imaginary part of one
// whose elements are complex. Optional tensors that are missing have none.
type parts []*checkpoint.Tensor

// scan is a selective scan, real or complex.
type scan struct {
	batch, channels, length, states int
	complex, softplus               bool

	u, delta, z, d, bias, y *checkpoint.Tensor // z, d and bias may be nil
	a, b, c, h0, last       parts
}

// maxStates is the most that the kernels take.
const maxStates = 256

func parseScan(g *group) []operation {
	s := &scan{softplus: true}
	var u, a []int
	s.u, u = g.dims("u", "B, D, L")
	s.batch, s.channels, s.length = u[0], u[1], u[2]
	member := "A"
	if g.tensors["A.re"] != nil || g.tensors["A.im"] != nil {
		s.complex, member = true, "A.re"
	}
	_, a = g.dims(member, "D, N")
	s.states = a[1]
	g.size(member, "d_state", s.states, 1, maxStates)

	s.delta = g.need("delta", s.batch, s.channels, s.length)
	s.a = s.need(g, "A", s.channels, s.states)
	s.b = s.need(g, "B", s.batch, s.states, s.length)
	s.c = s.need(g, "C", s.batch, s.states, s.length)
	s.d = g.optional("D", s.channels)
	s.z = g.optional("z", s.batch, s.channels, s.length)
	s.bias = g.optional("delta_bias", s.channels)
	s.h0 = s.optional(g, "h0", s.batch, s.channels, s.states)
	s.y = g.need("y", s.batch, s.channels, s.length)
	s.last = s.optional(g, "last_state", s.batch, s.channels, s.states)
	if v, ok := g.flag("delta_softplus"); ok {
		s.softplus = v
	}
	if g.differentiated() {
		return []operation{s, parseScanBackward(g, s)}
	}
	return []operation{s}
}

// need returns the part or the parts of a tensor of that shape.
func (s *scan) need(g *group, member string, shape ...int) parts {
	if s.complex {
		return parts{g.need(member+".re", shape...), g.need(member+".im", shape...)}
	}
	return parts{g.need(member, shape...)}
}

// optional is need, unless there is no part at all.
func (s *scan) optional(g *group, member string, shape ...int) parts {
	names := []string{member}
	if s.complex {
		names = []string{member + ".re", member + ".im"}
	}
	if !slices.ContainsFunc(names, func(name string) bool { return g.tensors[name] != nil }) {
		return nil
	}
	return s.need(g, member, shape...)
}

func (s *scan) kernel() string {
	if s.complex {
		return "selective_scan_complex"
	}
	return "selective_scan"
}

// The places of a scan's arguments that outputs are read from.
const (
	scanState = 6
	scanY     = 7
)

// args are u, delta (B, L, D), B and C of a token side by side, z (B, L, D),
// the packed weights, slots, state and y. Complex numbers are pairs.
func (s *scan) args() ([]arg, error) {
	var r reader
	tokens := s.batch * s.length
	b := interleave(r.swapped(s.b, s.states, s.length))
	c := interleave(r.swapped(s.c, s.states, s.length))
	row := len(b) / tokens
	bc := make([]float32, 0, len(b)+len(c))
	for t := range tokens {
		bc = append(bc, b[t*row:(t+1)*row]...)
		bc = append(bc, c[t*row:(t+1)*row]...)
	}
	state := interleave(r.floats(s.h0))
	if s.h0 == nil {
		// Fresh: nothing may be read from it.
		state = nans(s.batch * s.channels * row)
	}
	args := []arg{
		{name: "u", f32: one(r.swapped(parts{s.u}, s.channels, s.length))},
		{name: "delta", f32: one(r.swapped(parts{s.delta}, s.channels, s.length))},
		{name: "bc", f32: bc},
		{name: "z", f32: one(r.swapped(some(s.z), s.channels, s.length))},
		{name: "weights", f32: slices.Concat(interleave(r.floats(s.a)), one(r.floats(some(s.d))), one(r.floats(some(s.bias))))},
		{name: "slots", u32: firstSlots(s.batch)},
		{name: "state", f32: state, out: true},
		{name: "y", f32: nans(tokens * s.channels), out: true},
	}
	return args, r.err
}

func (s *scan) params() shaders.SelectiveScanParams {
	return shaders.SelectiveScanParams{
		Batch: s.batch, Length: s.length, Channels: s.channels, States: s.states,
		BCStride: 2 * s.states, OffC: s.states, ZStride: s.channels,
		HasZ: s.z != nil, HasD: s.d != nil, HasBias: s.bias != nil,
		Softplus: s.softplus, Fresh: s.h0 == nil,
	}
}

func (s *scan) complexParams() shaders.ComplexScanParams {
	return shaders.ComplexScanParams{
		Batch: s.batch, Length: s.length, Channels: s.channels, States: s.states,
		BCStride: 4 * s.states, OffC: 2 * s.states, ZStride: s.channels,
		HasZ: s.z != nil, HasD: s.d != nil, HasBias: s.bias != nil,
		Softplus: s.softplus, Fresh: s.h0 == nil,
	}
}

func (s *scan) twin(a []arg) {
	if s.complex {
		cpu.SelectiveScanComplex(s.complexParams(), a[0].f32, a[1].f32, a[2].f32, a[3].f32, a[4].f32, a[5].u32, a[6].f32, a[7].f32)
		return
	}
	cpu.SelectiveScan(s.params(), a[0].f32, a[1].f32, a[2].f32, a[3].f32, a[4].f32, a[5].u32, a[6].f32, a[7].f32)
}

func (s *scan) scratch(*shaders.Kernels) int { return 0 }

func (s *scan) dispatch(k *shaders.Kernels, b []*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	if s.complex {
		return single(k.SelectiveScanComplex(s.complexParams(), b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]))
	}
	return single(k.SelectiveScan(s.params(), b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]))
}

func (s *scan) outputs(a []arg) ([]Output, error) {
	var r reader
	out := r.outputs("y", parts{s.y}, [][]float32{swapAxes(a[scanY].f32, s.length, s.channels)})
	out = append(out, r.outputs("last_state", s.last, deinterleave(a[scanState].f32, max(len(s.last), 1)))...)
	return out, r.err
}
