package cases

import "fmt"

// scanBackwardCases are sizes around the edges of tiles, chunks and groups of channels,
// states that are one block, part of one or several, every combination of the switches,
// layouts, and steps and decays far from the usual.
func scanBackwardCases() []Case {
	var list []Case
	add := func(name string, spec scanSpec, wanted bool) {
		list = append(list, spec.backward(wanted).named("%s", name))
	}
	for _, states := range []int{1, 3, 16, 17, 64, 100, 256} {
		add(fmt.Sprintf("d_state %d, one token", states), modelScan(1, 1, 5, states), true)
		add(fmt.Sprintf("d_state %d, 21 tokens", states), modelScan(2, 21, 33, states), true)
	}
	for _, length := range []int{1, 2, 7, 8, 9, 16, 63, 64, 65, 129, 200} {
		add(fmt.Sprintf("%d tokens", length), modelScan(2, length, 17, 16), false)
	}
	for _, channels := range []int{1, 63, 64, 65, 130, 260} {
		add(fmt.Sprintf("%d channels", channels), modelScan(1, 20, channels, 16), false)
	}
	for bits := range 32 {
		spec := modelScan(2, 70, 18, 3)
		p := &spec.p
		p.HasZ, p.HasD, p.HasBias = bits&1 != 0, bits&2 != 0, bits&4 != 0
		p.Softplus, p.Fresh = bits&8 != 0, bits&16 != 0
		p.SharedA = (p.HasZ != p.HasD) != p.Fresh
		if p.HasBias && !p.Softplus {
			spec.bias = span{0, 0.01} // the step has to stay positive
		}
		if p.Softplus {
			spec.delta, spec.bias = span{-4, 1}, span{-1, 1}
		}
		if !p.HasZ {
			p.ZStride, p.OffZ = 0, 0
		}
		add(switches(on(p.HasZ, "z"), on(p.HasD, "D"), on(p.HasBias, "bias"), on(p.Softplus, "softplus"),
			on(p.Fresh, "fresh"), on(p.SharedA, "shared A")), spec, p.HasZ != p.Fresh)
	}
	dense := modelScan(2, 21, 17, 16)
	dense.p.BCStride, dense.p.OffB, dense.p.OffC = 32, 0, 16
	dense.p.ZStride, dense.p.OffZ = 17, 0
	add("B and C dense, z dense", dense, true)
	odd := modelScan(2, 21, 17, 20)
	odd.p.BCStride, odd.p.OffB, odd.p.OffC = 53, 31, 7
	odd.p.ZStride, odd.p.OffZ = 41, 3
	add("C before B, odd offsets", odd, true)
	eachExtreme(150, func(name string, spec scanSpec) { add(name, spec, true) })
	add("longer chunks, as there are 2048 of them", modelScan(512, 200, 1, 16), true)
	add("1000 tokens", modelScan(1, 1000, 65, 16), true)
	slow := modelScan(1, 500, 3, 16)
	slow.p.Fresh, slow.a, slow.delta = true, span{-1, -1}, span{1e-3, 1e-3}
	add("500 tokens, slow and equal decay", slow, true)
	eachHalvesScan(func(name string, spec scanSpec) { add(name, spec, !spec.p.Fresh) })
	return list
}

// backwardSpec is what a case of a scan's backward pass is made from.
type backwardSpec struct {
	scan   scanSpec
	wanted bool // the gradient of the initial state
}

func (spec scanSpec) backward(wanted bool) backwardSpec { return backwardSpec{spec, wanted} }

// named is the case with that name. A gradient is a product of a state and a gradient of
// one, both of which collect errors over the steps as y does in tol, but not all in the same
// direction. Sums over channels and rows are of terms of either sign, whose errors grow no
// faster than they do.
func (spec backwardSpec) named(format string, a ...any) Case {
	c := spec.scan.named(format, a...)
	c.Tol, c.fill = spec.scan.exact(), spec.fill
	return c
}

// fill makes the buffers: those of the scan but y, the states only to be read, then dy and
// what gradients are written or added to.
func (spec backwardSpec) fill(s *source) []Arg {
	p := spec.scan.p
	a := spec.scan.fill(s)
	rows := p.Batch * p.Length
	a[1].Out, a[6].Out = true, false // delta, state
	a[7] = out("dy", s.normal(rows*p.Channels))
	dbc := repeat(rows*p.BCStride, Untouched)
	place(dbc, poison(rows*p.States), p.States, p.BCStride, p.OffB)
	place(dbc, poison(rows*p.States), p.States, p.BCStride, p.OffC)
	var dz, dstate []float32
	if p.HasZ {
		dz = place(repeat(rows*p.ZStride, Untouched), poison(rows*p.Channels), p.Channels, p.ZStride, p.OffZ)
	}
	if spec.wanted {
		dstate = poison(p.Batch * p.Channels * p.States)
	}
	return append(a, out("dbc", dbc), out("dz", dz), out("dweights", s.normal(p.WeightCount())), out("dstate", dstate))
}
