package opsfile

import (
	"github.com/mambagpu/mambagpu/mamba/checkpoint"
	"github.com/mambagpu/mambagpu/shaders"
	"github.com/mambagpu/mambagpu/shaders/cpu"
	"github.com/mambagpu/mambagpu/wgpu"
)

// scanBackward is the backward pass of a scan, given the gradient of y alone. Of the
// gradients any may be missing.
type scanBackward struct {
	*scan
	dy *checkpoint.Tensor

	du, ddelta, da, db, dc, dskip, dz, dbias, dh0 parts
}

func parseScanBackward(g *group, s *scan) operation {
	g.differentiates = true
	b := &scanBackward{scan: s, dy: g.need("dy", s.batch, s.channels, s.length)}
	tokens := []int{s.batch, s.channels, s.length}
	b.du, b.ddelta = some(g.optional("grad.u", tokens...)), some(g.optional("grad.delta", tokens...))
	b.da = s.optional(g, "grad.A", s.channels, s.states)
	b.db = s.optional(g, "grad.B", s.batch, s.states, s.length)
	b.dc = s.optional(g, "grad.C", s.batch, s.states, s.length)
	if s.d != nil {
		b.dskip = some(g.optional("grad.D", s.channels))
	}
	if s.z != nil {
		b.dz = some(g.optional("grad.z", tokens...))
	}
	if s.bias != nil {
		b.dbias = some(g.optional("grad.delta_bias", s.channels))
	}
	if s.h0 != nil {
		b.dh0 = s.optional(g, "grad.h0", s.batch, s.channels, s.states)
	}
	return b
}

func (b *scanBackward) kernel() string { return b.scan.kernel() + "_backward" }

// The places of what a backward pass writes among its arguments.
const (
	backDelta = 1
	backDy    = 7
	backBC    = 8
	backZ     = 9
	backW     = 10
	backState = 11
)

// args are those of the scan but y, then dy and room for the gradients, those of the
// weights zero, as they are added to.
func (b *scanBackward) args() ([]arg, error) {
	var r reader
	args, err := b.scan.args()
	if err != nil {
		return nil, err
	}
	dy := one(r.swapped(parts{b.dy}, b.channels, b.length))
	args[backDelta].out, args[scanState].out = true, false
	args[backDy] = arg{name: "dy", f32: dy, out: true}
	like := func(name string, of []float32) arg { return arg{name: name, f32: nans(len(of)), out: true} }
	dstate := arg{name: "dstate", out: true}
	if b.h0 != nil {
		dstate = like("dstate", args[scanState].f32)
	}
	args = append(args, like("dbc", args[2].f32), like("dz", args[3].f32),
		arg{name: "dweights", f32: make([]float32, len(args[4].f32)), out: true}, dstate)
	return args, r.err
}

func (b *scanBackward) twin(a []arg) {
	if b.complex {
		cpu.SelectiveScanComplexBackward(b.complexParams(), a[0].f32, a[1].f32, a[2].f32, a[3].f32, a[4].f32, a[5].u32, a[6].f32,
			a[7].f32, a[8].f32, a[9].f32, a[10].f32, a[11].f32)
		return
	}
	cpu.SelectiveScanBackward(b.params(), a[0].f32, a[1].f32, a[2].f32, a[3].f32, a[4].f32, a[5].u32, a[6].f32,
		a[7].f32, a[8].f32, a[9].f32, a[10].f32, a[11].f32)
}

func (b *scanBackward) scratch(k *shaders.Kernels) int {
	if b.complex {
		return k.SelectiveScanComplexBackwardScratch(b.complexParams())
	}
	return k.SelectiveScanBackwardScratch(b.params())
}

func (b *scanBackward) dispatch(k *shaders.Kernels, a []*wgpu.Buffer) ([]*wgpu.Dispatch, error) {
	if b.complex {
		return k.SelectiveScanComplexBackward(b.complexParams(), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12])
	}
	return k.SelectiveScanBackward(b.params(), a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12])
}

func (b *scanBackward) outputs(a []arg) ([]Output, error) {
	var r reader
	var list []Output
	add := func(tensor string, want parts, got ...[]float32) {
		list = append(list, r.outputs("grad."+tensor, want, got)...)
	}
	perChannel := func(i int) []float32 { return swapAxes(a[i].f32, b.length, b.channels) }
	add("u", b.du, perChannel(backDy))
	add("delta", b.ddelta, perChannel(backDelta))
	n := len(b.a)
	w, width := a[backW].f32, n*b.channels*b.states
	add("A", b.da, deinterleave(w[:width], n)...)
	add("B", b.db, b.perState(a[backBC].f32, 0)...)
	add("C", b.dc, b.perState(a[backBC].f32, 1)...)
	if b.d != nil {
		add("D", b.dskip, w[width:width+b.channels])
	}
	if b.z != nil {
		add("z", b.dz, perChannel(backZ))
	}
	if b.bias != nil {
		add("delta_bias", b.dbias, w[len(w)-b.channels:])
	}
	if b.h0 != nil {
		add("h0", b.dh0, deinterleave(a[backState].f32, n)...)
	}
	return list, r.err
}

// perState is the parts (B, N, L) of B's gradient, kind 0, or C's in rows of both.
func (b *scanBackward) perState(dbc []float32, kind int) [][]float32 {
	n := len(b.a)
	width := n * b.states
	var dense []float32
	for row := range b.batch * b.length {
		dense = append(dense, dbc[(2*row+kind)*width:][:width]...)
	}
	list := deinterleave(dense, n)
	for i := range list {
		list[i] = swapAxes(list[i], b.length, b.states)
	}
	return list
}
